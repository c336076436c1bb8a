import { closeSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { gather, run, sleep } from "brio";
import { createSubprocessExec, createSubprocessShell, DEVNULL, INHERIT, PIPE, STDOUT } from "brio/subprocess";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isAlive, leaveNothingBehind } from "./left-behind.ts";

leaveNothingBehind();

let folder: string;
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "brio-test-")));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("createSubprocessExec", () => {
  it("starts a program whose stdin is written and whose stdout is read", () =>
    run(async () => {
      await using cat = await createSubprocessExec("cat", [], { stdin: PIPE, stdout: PIPE });
      cat.stdin.write("some data");
      await cat.stdin.drain();
      cat.stdin.close();
      expect((await cat.stdout.read()).toString()).toBe("some data");
      expect(await cat.wait()).toBe(0);
    }));

  it("takes arguments one by one, or as an array with options behind", () =>
    run(async () => {
      await using bare = await createSubprocessExec("test", "a", "=", "a");
      await using listed = await createSubprocessExec("test", ["a", "=", "b"]);
      await using alone = await createSubprocessExec("true");
      expect(await gather(bare.wait(), listed.wait(), alone.wait())).toEqual([0, 1, 0]);
    }));

  it("gives arguments to the program as they are", () =>
    run(async () => {
      const args = ["", "two words", "$HOME", "*", "'", '"', "ü\n"];
      await using child = await createSubprocessExec("printf", ["%s|", ...args], { stdout: PIPE });
      expect((await child.stdout.read()).toString()).toBe(`${args.join("|")}|`);
    }));

  it("takes the program, and the folder it runs in, as a URL", () =>
    run(async () => {
      await using child = await createSubprocessExec(pathToFileURL("/bin/pwd"), [], {
        cwd: pathToFileURL(folder),
        stdout: PIPE,
      });
      expect((await child.stdout.read()).toString()).toBe(`${folder}\n`);
    }));

  it("gives the program its own environment, or the one that it is told", () =>
    run(async () => {
      const env = { PATH: process.env.PATH, FOO: "baz" };
      await using told = await createSubprocessExec("env", [], { env, stdout: PIPE });
      expect((await told.stdout.read()).toString().trim().split("\n").sort()).toEqual([
        "FOO=baz",
        `PATH=${process.env.PATH}`,
      ]);
      await using own = await createSubprocessExec("env", [], { stdout: PIPE });
      expect((await own.stdout.read()).toString()).toContain(
        `BRIO_TEST_MARK=${process.env.BRIO_TEST_MARK}\n`,
      );
    }));

  it("tells the program another name of its own", () =>
    run(async () => {
      await using child = await createSubprocessExec("sh", ["-c", "echo $0"], { argv0: "me", stdout: PIPE });
      expect((await child.stdout.read()).toString()).toBe("me\n");
    }));

  it("runs it in a process group and session of its own, unless it is not to be detached", () =>
    run(async () => {
      const script = "read _ _ _ _ group session _ < /proc/$$/stat; echo $group $session";
      await using own = await createSubprocessExec("sh", ["-c", script], { stdout: PIPE });
      expect((await own.stdout.read()).toString()).toBe(`${own.pid} ${own.pid}\n`);
      await using ours = await createSubprocessExec("sh", ["-c", script], { stdout: PIPE, detached: false });
      const [group] = (await ours.stdout.read()).toString().split(" ");
      expect(Number(group)).not.toBe(ours.pid);
    }));

  it("refuses what only text streams have, and what is no command", () =>
    run(async () => {
      const wrong = createSubprocessExec as (...args: unknown[]) => Promise<unknown>;
      for (const option of [{ encoding: "utf8" }, { text: true }, { universalNewlines: true }]) {
        await expect(wrong("true", [], option)).rejects.toThrow(/streams carry bytes/);
      }
      await expect(wrong("")).rejects.toThrow("program must be a name or a path, such as \"ls\"; got ''");
      await expect(wrong("ls", 5)).rejects.toThrow('("ls", ["-l"], { ...options })');
      await expect(wrong("ls", [], { stdout: "pip" })).rejects.toThrow(
        "stdout must be PIPE, DEVNULL, INHERIT",
      );
      await expect(wrong("ls", [], { stdout: STDOUT })).rejects.toThrow("got 'stdout'");
      await expect(wrong("ls", [], { stdin: -1 })).rejects.toThrow(TypeError);
      await expect(wrong("ls", [], { limit: 0 })).rejects.toThrow(RangeError);
      await expect(wrong("ls", [], { grace: -1 })).rejects.toThrow("grace is negative");
      await expect(wrong("ls", [], null)).rejects.toThrow("options of createSubprocessExec() are an object");
      await expect(wrong("a\0b")).rejects.toThrow("null bytes");
    }));

  it("needs a task", async () => {
    await expect(createSubprocessExec("true")).rejects.toThrow(
      "createSubprocessExec() needs a running event loop",
    );
  });
});

describe("createSubprocessShell", () => {
  it("runs a line, and gives what it ended with", () =>
    run(async () => {
      await using child = await createSubprocessShell("exit 7");
      expect(await child.wait()).toBe(7);
      expect(child.signal).toBe(null);
    }));

  it("gives the shell the environment that it is told", () =>
    run(async () => {
      const env = { ...process.env, FOO: "bar" };
      await using child = await createSubprocessShell('printf %s "$FOO"', { env, stdout: PIPE });
      expect((await child.communicate()).map(String)).toEqual(["bar", "null"]);
    }));

  it("refuses text mode, and what is no line", () =>
    run(async () => {
      const wrong = createSubprocessShell as (...args: unknown[]) => Promise<unknown>;
      for (const option of [{ encoding: "utf8" }, { text: true }, { errors: "strict" }]) {
        await expect(wrong("true", option)).rejects.toThrow(/streams carry bytes/);
      }
      await expect(wrong(["ls"])).rejects.toThrow("takes a line for the shell");
    }));
});

describe("the streams of a child", () => {
  it("are null unless they are pipes", () =>
    run(async () => {
      await using child = await createSubprocessExec("true", [], { stdin: DEVNULL, stdout: INHERIT });
      expect([child.stdin, child.stdout, child.stderr]).toEqual([null, null, null]);
    }));

  it("can lead to and from nothing", () =>
    run(async () => {
      await using child = await createSubprocessExec("sh", ["-c", "wc -c; echo out; echo err >&2"], {
        stdin: DEVNULL,
        stdout: PIPE,
        stderr: DEVNULL,
      });
      expect((await child.communicate()).map(String)).toEqual(["0\nout\n", "null"]);
    }));

  it("can be files: a descriptor, or what has one", () =>
    run(async () => {
      const path = join(folder, "out");
      const fd = openSync(path, "w");
      await using file = await open("/dev/null");
      await using child = await createSubprocessExec("sh", ["-c", "wc -c; echo err >&2"], {
        stdin: file,
        stdout: fd,
        stderr: STDOUT,
      });
      expect(await child.wait()).toBe(0);
      closeSync(fd);
      expect(readFileSync(path, "utf8")).toBe("0\nerr\n");
    }));

  it("have stderr where stdout is, in the order of writing", () =>
    run(async () => {
      const script = "for i in 1 2 3 4 5; do echo out $i; echo err $i >&2; done";
      await using child = await createSubprocessExec("sh", ["-c", script], { stdout: PIPE, stderr: STDOUT });
      expect(child.stderr).toBe(null);
      const [both] = await child.communicate();
      expect(both.toString()).toBe([1, 2, 3, 4, 5].map((i) => `out ${i}\nerr ${i}\n`).join(""));
    }));

  it.each([
    ["dropped", DEVNULL],
    ["the program's own", INHERIT],
  ] as const)("have stderr where stdout is, when that is %s", (_where, stdout) =>
    run(async () => {
      const script = "test /proc/$$/fd/1 -ef /proc/$$/fd/2";
      await using child = await createSubprocessShell(script, { stdout, stderr: STDOUT });
      expect(await child.wait()).toBe(0);
    }),
  );

  it(
    "are sockets, which Linux does not open by name: /dev/stdin",
    { skip: process.platform !== "linux" },
    () =>
      run(async () => {
        await using byName = await createSubprocessExec("cat", ["/dev/stdin"], {
          stdin: PIPE,
          stdout: PIPE,
          stderr: PIPE,
        });
        const [, stderr] = await byName.communicate("abc");
        expect(stderr.toString()).toContain("No such device or address");
        await using asIs = await createSubprocessExec("cat", ["-"], { stdin: PIPE, stdout: PIPE });
        const [stdout] = await asIs.communicate("abc");
        expect(stdout.toString()).toBe("abc");
      }),
  );

  it("are read line by line, also after the child has ended", () =>
    run(async () => {
      await using child = await createSubprocessShell("echo one; echo two; printf rest", { stdout: PIPE });
      expect(await child.wait()).toBe(0);
      const lines: string[] = [];
      for await (const line of child.stdout) lines.push(line.toString());
      expect(lines).toEqual(["one\n", "two\n", "rest"]);
    }));

  it("can be read slowly after a child that wrote much has ended", () =>
    run(async () => {
      await using child = await createSubprocessExec("head", ["-c", "100000", "/dev/zero"], {
        stdout: PIPE,
        limit: 1000,
      });
      await child.wait();
      let size = 0;
      for await (const chunk of child.stdout.chunks(777)) size += chunk.length;
      expect(size).toBe(100_000);
    }));

  it("of 200 children at once are not mixed up", () =>
    run(async () => {
      const echo = async (index: number): Promise<string> => {
        await using child = await createSubprocessExec("echo", [`child ${index}`], { stdout: PIPE });
        const [stdout] = await child.communicate();
        return stdout.toString();
      };
      const outputs = await gather(...Array.from({ length: 200 }, (_, index) => () => echo(index)));
      expect(outputs).toEqual(outputs.map((_, index) => `child ${index}\n`));
    }));
});

describe("a process", () => {
  it("has a pid, and no returncode while it runs", () =>
    run(async () => {
      await using child = await createSubprocessExec("cat", [], { stdin: PIPE });
      expect(isAlive(child.pid)).toBe(true);
      expect(child.returncode).toBe(null);
      expect(String(child)).toBe(`<Process ${child.pid} running>`);
      child.stdin.close();
      expect(await child.wait()).toBe(0);
      expect(child.returncode).toBe(0);
      expect(String(child)).toBe(`<Process ${child.pid} returncode 0>`);
      expect(isAlive(child.pid)).toBe(false);
    }));

  it("can be waited for by several tasks, and after its end", () =>
    run(async () => {
      await using child = await createSubprocessExec("cat", [], { stdin: PIPE, stdout: PIPE });
      const waiting = gather(...Array.from({ length: 5 }, () => () => child.wait()));
      const [stdout] = await child.communicate("some data");
      expect(stdout.toString()).toBe("some data");
      expect(await waiting).toEqual([0, 0, 0, 0, 0]);
      expect(await gather(...Array.from({ length: 5 }, () => () => child.wait()))).toEqual([0, 0, 0, 0, 0]);
    }));

  it("is waited for although what it started holds its stdout open", () =>
    run(async () => {
      await using child = await createSubprocessShell("sleep 1000 & echo started", { stdout: PIPE });
      expect(await child.wait()).toBe(0);
      expect((await child.stdout.readLine()).toString()).toBe("started\n");
    }));

  it("is waited for in a task, not outside", async () => {
    let wait = (): Promise<number> => Promise.resolve(0);
    await run(async () => {
      await using child = await createSubprocessExec("true");
      wait = () => child.wait();
      await wait();
    });
    await expect(wait()).rejects.toThrow("process.wait() needs a running event loop");
  });
});

describe("signals", () => {
  const SLEEP = ["sleep", ["1000"]] as const;

  it.each([
    ["kill", "SIGKILL", -9],
    ["terminate", "SIGTERM", -15],
  ] as const)("%s() ends a process by %s", (method, signal, returncode) =>
    run(async () => {
      await using child = await createSubprocessExec(...SLEEP);
      expect(child[method]()).toBe(true);
      expect(await child.wait()).toBe(returncode);
      expect(child.signal).toBe(signal);
      expect(String(child)).toBe(`<Process ${child.pid} ${signal}>`);
    }),
  );

  it("are sent by name or number", () =>
    run(async () => {
      await using first = await createSubprocessExec(...SLEEP);
      first.sendSignal("SIGHUP");
      expect(await first.wait()).toBe(-1);
      await using second = await createSubprocessExec(...SLEEP);
      second.sendSignal(10);
      expect(await second.wait()).toBe(-10);
    }));

  it("that do not exist are refused", () =>
    run(async () => {
      await using child = await createSubprocessExec(...SLEEP);
      expect(() => child.sendSignal("SIGNOTHING" as NodeJS.Signals)).toThrow(
        "there is no signal 'SIGNOTHING': use a name such as \"SIGHUP\"",
      );
      expect(() => child.sendSignal(9999)).toThrow(RangeError);
    }));

  it("reach a child's own handler", () =>
    run(async () => {
      await using child = await createSubprocessShell(
        "trap 'echo hung up; exit 4' HUP; echo ready; while :; do sleep 0.01; done",
        { stdout: PIPE },
      );
      await child.stdout.readLine();
      child.sendSignal("SIGHUP");
      expect((await child.stdout.readLine()).toString()).toBe("hung up\n");
      expect(await child.wait()).toBe(4);
    }));

  it("find nobody when the process has ended, and say so", () =>
    run(async () => {
      await using child = await createSubprocessExec("true");
      await child.wait();
      expect([child.kill(), child.terminate(), child.sendSignal("SIGHUP")]).toEqual([false, false, false]);
      expect(child.kill({ group: true })).toBe(false);
    }));

  it("that race with the end of the process are harmless", () =>
    run(async () => {
      for (let i = 0; i < 20; i++) {
        await using child = await createSubprocessExec("true");
        child.sendSignal("SIGUSR1");
        expect([0, -10]).toContain(await child.wait());
      }
    }));

  it("go to the process alone, or to its whole group", () =>
    run(async () => {
      await using child = await createSubprocessShell("sleep 1000 & echo $!; wait", { stdout: PIPE });
      const grandchild = Number(await child.stdout.readLine());
      child.kill();
      expect(await child.wait()).toBe(-9);
      expect(isAlive(grandchild)).toBe(true);
      expect(child.kill({ group: true })).toBe(true);
      expect((await child.stdout.read()).length).toBe(0); // nobody has its stdout any more
      while (isAlive(grandchild)) await sleep(1);
    }));
});
