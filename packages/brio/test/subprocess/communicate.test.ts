import { existsSync, readFileSync } from "node:fs";
import { CancelledError, createTask, run, sleep } from "brio";
import { describeTask } from "brio/inspect";
import { createSubprocessExec, createSubprocessShell, PIPE } from "brio/subprocess";
import { describe, expect, it } from "vitest";
import { leaveNothingBehind } from "./left-behind.ts";

leaveNothingBehind();

/** Much more than fits into a pipe. */
const LARGE = 5_000_000;

/** Waits until the child has read all that was written to it: it sleeps in short pieces then. */
async function echoed(pid: number): Promise<void> {
  const children = `/proc/${pid}/task/${pid}/children`;
  while (existsSync(children) && readFileSync(children, "utf8") === "") await sleep(1);
}

const ALL_PIPES = { stdin: PIPE, stdout: PIPE, stderr: PIPE } as const;

describe("communicate", () => {
  it("writes the input, closes stdin, and gives what the child wrote", () =>
    run(async () => {
      await using child = await createSubprocessExec("sh", ["-c", "cat; echo oh >&2; exit 3"], ALL_PIPES);
      expect((await child.communicate("some data")).map(String)).toEqual(["some data", "oh\n"]);
      expect(child.returncode).toBe(3);
    }));

  it("takes bytes, and gives them as they are", () =>
    run(async () => {
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
      await using child = await createSubprocessExec("cat", [], { stdin: PIPE, stdout: PIPE });
      const [stdout] = await child.communicate(bytes);
      expect(stdout).toEqual(bytes);
    }));

  it.each([["nothing"], [""], ["abc"]])("closes stdin also when %j is the input", (input) =>
    run(async () => {
      await using child = await createSubprocessExec("wc", ["-c"], ALL_PIPES);
      const [stdout] = await (input === "nothing" ? child.communicate() : child.communicate(input));
      expect(stdout.toString().trim()).toBe(input === "nothing" ? "0" : String(input.length));
    }),
  );

  it("without pipes just waits", () =>
    run(async () => {
      await using child = await createSubprocessExec("sh", ["-c", "exit 5"]);
      expect(await child.communicate()).toEqual([null, null]);
      expect(child.returncode).toBe(5);
    }));

  it("refuses input that has no pipe to go through", () =>
    run(async () => {
      await using child = await createSubprocessExec("cat", [], { stdin: "ignore" });
      await expect(child.communicate("x")).rejects.toThrow("start the process with { stdin: PIPE }");
    }));

  it("is no deadlock with a child that writes much to both pipes, while much is written to it", () =>
    run(async () => {
      const script = `head -c ${LARGE} /dev/zero >&2; head -c ${LARGE} /dev/zero; cat`;
      await using child = await createSubprocessExec("sh", ["-c", script], ALL_PIPES);
      const [stdout, stderr] = await child.communicate(Buffer.alloc(LARGE));
      expect([stdout.length, stderr.length]).toEqual([2 * LARGE, LARGE]);
    }));

  it("does not mind a child that ends without reading its input", () =>
    run(async () => {
      await using child = await createSubprocessExec("true", [], { stdin: PIPE });
      await child.communicate(Buffer.alloc(LARGE));
      expect(child.returncode).toBe(0);
    }));

  it("does not mind a child that closes its stdin early, and goes on", () =>
    run(async () => {
      await using child = await createSubprocessShell(
        "exec <&-; echo closed; read _ < /dev/null; echo done",
        ALL_PIPES,
      );
      expect((await child.stdout.readLine()).toString()).toBe("closed\n");
      const [stdout] = await child.communicate(Buffer.alloc(LARGE));
      expect([stdout.toString(), child.returncode]).toEqual(["done\n", 0]);
    }));

  it("gives the input to a grandchild that reads it after the child has ended", () =>
    run(async () => {
      // A shell gives what it starts in the background an empty stdin, unless it is asked for another.
      const script = "exec 3<&0; { sleep 0.05; wc -c; } <&3 &";
      await using child = await createSubprocessShell(script, ALL_PIPES);
      const [stdout] = await child.communicate(Buffer.alloc(LARGE));
      expect(Number(stdout)).toBe(LARGE);
    }));

  it("loses nothing when it is cancelled: the next one gives the whole output", () =>
    run(async () => {
      const script = "trap go=1 USR1; echo one; echo first >&2; read line; echo $line";
      const rest = "while [ -z $go ]; do sleep 0.01; done; echo second >&2; read _ || exit 6";
      await using child = await createSubprocessExec("sh", ["-c", `${script}; ${rest}`], ALL_PIPES);
      const first = createTask(async () => await child.communicate("two\n"));
      while (describeTask(first).waits.length < 3) await sleep(1);
      await echoed(child.pid);
      first.cancel();
      await expect(first).rejects.toBeInstanceOf(CancelledError);
      child.sendSignal("SIGUSR1");
      const outputs = await child.communicate();
      expect(outputs.map(String)).toEqual(["one\ntwo\n", "first\nsecond\n"]);
      expect(child.returncode).toBe(6);
    }));
});

describe("stdin", () => {
  it("that nobody reads any more makes drain throw", () =>
    run(async () => {
      await using child = await createSubprocessShell("exec <&-; echo closed; sleep 1000", ALL_PIPES);
      await child.stdout.readLine();
      child.stdin.write(Buffer.alloc(LARGE));
      await expect(child.stdin.drain()).rejects.toMatchObject({ code: "EPIPE" });
      await expect(child.stdin.drain()).rejects.toMatchObject({ code: "EPIPE" });
    }));

  it("makes drain throw when the child ends in the middle of it", () =>
    run(async () => {
      await using child = await createSubprocessShell("head -c 1000 > /dev/null", { stdin: PIPE });
      child.stdin.write(Buffer.alloc(LARGE));
      await expect(child.stdin.drain()).rejects.toMatchObject({
        code: expect.stringMatching(/EPIPE|ECONNRESET/),
      });
    }));

  it("of a child that has ended is closed", () =>
    run(async () => {
      await using child = await createSubprocessExec("true", [], { stdin: PIPE });
      await child.wait();
      expect(child.stdin.isClosing()).toBe(true);
      await child.stdin.waitClosed();
      child.stdin.write("dropped");
      await expect(child.stdin.drain()).rejects.toThrow("Connection lost");
    }));

  it("makes a writer wait for a child that does not read", () =>
    run(async () => {
      await using child = await createSubprocessExec("sh", ["-c", "kill -STOP $$; cat > /dev/null"], {
        stdin: PIPE,
      });
      child.stdin.write(Buffer.alloc(LARGE));
      const drained = createTask(async () => await child.stdin.drain());
      while (describeTask(drained).waits.length === 0) await sleep(0);
      expect(describeTask(drained).waits[0]?.kind).toBe("writer.drain");
      while (!drained.done()) {
        child.sendSignal("SIGCONT"); // it may not have stopped yet
        await sleep(1);
      }
    }));
});

describe("output that is not read", () => {
  it("holds the child up, and memory stays bounded: 1 GiB", () =>
    run(async () => {
      const script = "head -c 1073741824 /dev/zero; echo written >&2";
      await using child = await createSubprocessExec("sh", ["-c", script], {
        stdout: PIPE,
        stderr: PIPE,
        limit: 1000,
      });
      const waiting = createTask(async () => await child.wait());
      let size = 0;
      let most = 0;
      const before = process.memoryUsage().rss;
      for await (const chunk of child.stdout.chunks(1_000_000)) {
        size += chunk.length;
        most = Math.max(most, process.memoryUsage.rss());
        if (size > 50_000_000) break;
      }
      expect(child.returncode).toBe(null); // held up
      expect(most - before).toBeLessThan(200_000_000);
      child.kill({ group: true });
      expect(await waiting).toBe(-9);
    }));

  it("is held back also after the child has ended, and others write on", () =>
    run(async () => {
      const script = "{ head -c 200000000 /dev/zero; echo written >&2; } & read _";
      await using child = await createSubprocessShell(script, { ...ALL_PIPES, limit: 1000 });
      while (String(child.stdout) === "<StreamReader 0 bytes>") await sleep(1); // it has been told to wait since
      child.stdin.write("\n");
      expect(await child.wait()).toBe(0);
      const told = createTask(async () => await child.stderr.readLine());
      const kept = (): number => Number(/\d+/.exec(String(child.stdout))?.[0]);
      for (let turn = 0; turn < 100; turn++) {
        await sleep(1);
        expect(kept()).toBeLessThan(1_000_000);
      }
      expect(told.done()).toBe(false);
      let size = 0;
      for await (const chunk of child.stdout.chunks()) size += chunk.length;
      expect(size).toBe(200_000_000);
      expect((await told).toString()).toBe("written\n");
    }));
});
