import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { run } from "brio";
import * as subprocess from "brio/subprocess";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { leaveNothingBehind } from "./left-behind.ts";

const { createSubprocessExec, createSubprocessShell, PIPE, STDOUT, SpawnError } = subprocess;

leaveNothingBehind();

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "brio-test-"));
  writeFileSync(join(folder, "plain"), "no program");
  writeFileSync(join(folder, "orphan"), "#!/no/such/interpreter\n");
  chmodSync(join(folder, "orphan"), 0o755);
  mkdirSync(join(folder, "directory"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("what can't be started is an error that says why", () => {
  it.each([
    [
      "a program that PATH does not lead to",
      "no-such-program",
      {},
      "ENOENT",
      "there is no such program in the folders of PATH",
    ],
    ["a file that does not exist", "FOLDER/nothing", {}, "ENOENT", "there is no such file"],
    ["a file that is not executable", "FOLDER/plain", {}, "EACCES", "the file is not executable"],
    ["a folder", "FOLDER/directory", {}, "EACCES", "it is a directory"],
    [
      "a script whose interpreter does not exist",
      "FOLDER/orphan",
      {},
      "ENOENT",
      "its first line (#!) names does not exist",
    ],
    [
      "a working directory that does not exist",
      "ls",
      { cwd: "FOLDER/nothing" },
      "ENOENT",
      "in which it was to run, does not exist",
    ],
    [
      "a working directory that is a file",
      "ls",
      { cwd: "FOLDER/plain" },
      "ENOTDIR",
      "in which it was to run, is no directory",
    ],
  ] as const)("%s", (_what, program, options, code, message) =>
    run(async () => {
      const place = (path: string): string => path.replace("FOLDER", folder);
      const given = "cwd" in options ? { cwd: place(options.cwd) } : {};
      for (const more of [
        {},
        { stdin: PIPE, stdout: PIPE, stderr: PIPE },
        { stdout: PIPE, stderr: STDOUT },
      ] as const) {
        const error = await createSubprocessExec(place(program), ["x"], { ...given, ...more }).then(
          () => null,
          (error: unknown) => error,
        );
        expect(error).toBeInstanceOf(SpawnError);
        expect(error).toMatchObject({ code, command: [place(program), "x"], cwd: given.cwd });
        expect((error as Error).message).toContain(message);
        expect((error as Error).cause).toMatchObject({ code });
      }
    }),
  );

  it("arguments that are too long", () =>
    run(async () => {
      await expect(subprocess.run("echo", ["x".repeat(1_000_000)])).rejects.toMatchObject({
        code: "E2BIG",
        message: expect.stringContaining("write to its stdin instead"),
      });
    }));

  it("a shell in a folder that does not exist", () =>
    run(async () => {
      await expect(createSubprocessShell("ls", { cwd: join(folder, "nothing") })).rejects.toThrow(
        "does not exist",
      );
    }));

  it("and what Node itself refuses, as it says it", () =>
    run(async () => {
      await expect(createSubprocessExec("ls", [], { uid: 1.5 })).rejects.toMatchObject({
        code: "ERR_INVALID_ARG_TYPE",
      });
    }));

  it("too many open files, and all is well when there are fewer", () =>
    run(async () => {
      const program = fileURLToPath(new URL("fixtures/few-descriptors.ts", import.meta.url));
      const line = 'ulimit -n 64; exec "$0" --conditions=brio-source "$1"';
      const { stdout } = await subprocess.run("sh", ["-c", line, process.execPath, program], {
        env: { ...process.env, NODE_OPTIONS: "" },
        check: true,
      });
      expect(stdout).toMatch(/^(\d+ EMFILE\nthe same again\n){2}$/);
    }));
});
