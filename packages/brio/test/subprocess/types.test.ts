import type { StreamReader, StreamWriter } from "brio/streams";
import type {
  CompletedProcess,
  createSubprocessExec,
  createSubprocessShell,
  PIPE,
  Process,
  ProcessFor,
  run,
  STDOUT,
  SubprocessOptions,
} from "brio/subprocess";
import { expectTypeOf, test } from "vitest";

type Pipe = typeof PIPE;

test("a process has the streams that its options ask for", () => {
  expectTypeOf<ProcessFor<{ stdin: Pipe; stdout: Pipe }>>().toEqualTypeOf<
    Process<StreamWriter, StreamReader, null>
  >();
  expectTypeOf<ProcessFor<{ stdout: Pipe; stderr: typeof STDOUT }>["stderr"]>().toEqualTypeOf<null>();
  expectTypeOf<ProcessFor<{ stdout: Pipe | "ignore" }>["stdout"]>().toEqualTypeOf<StreamReader | null>();
  expectTypeOf<ProcessFor<SubprocessOptions>["stdin"]>().toEqualTypeOf<StreamWriter | null>();
});

test("communicate gives bytes for what is a pipe", () => {
  expectTypeOf<Awaited<ReturnType<Process<null, StreamReader, null>["communicate"]>>>().toEqualTypeOf<
    [stdout: Buffer, stderr: null]
  >();
});

test("the functions infer them", () => {
  const exec = {} as typeof createSubprocessExec; // only its type is looked at
  const shell = {} as typeof createSubprocessShell;
  expectTypeOf(() => exec("ls", ["-l"], { stdout: "pipe" })).returns.resolves.toEqualTypeOf<
    Process<null, StreamReader, null>
  >();
  expectTypeOf(() => exec("ls", "-l")).returns.resolves.toEqualTypeOf<Process<null, null, null>>();
  expectTypeOf(() => shell("ls")).returns.resolves.toEqualTypeOf<Process<null, null, null>>();
  expectTypeOf(() => shell("ls", { stdin: "pipe" })).returns.resolves.toEqualTypeOf<
    Process<StreamWriter, null, null>
  >();
});

test("run gives text, or bytes if asked", () => {
  const command = {} as typeof run; // only its type is looked at
  expectTypeOf(() => command("ls")).returns.resolves.toEqualTypeOf<CompletedProcess>();
  expectTypeOf(() => command("ls", [], { encoding: "hex", check: true })).returns.resolves.toEqualTypeOf<
    CompletedProcess<string>
  >();
  expectTypeOf(() => command("ls", [], { encoding: "buffer" })).returns.resolves.toEqualTypeOf<
    CompletedProcess<Buffer>
  >();
});
