import process from "node:process";
import { run, sleep, TimeoutError, timeout } from "brio";
import * as subprocess from "brio/subprocess";
import { describe, expect, it } from "vitest";
import { descendants, leaveNothingBehind } from "./left-behind.ts";

leaveNothingBehind();

const { CalledProcessError, CommandTimeoutError, OutputLimitError } = subprocess;

async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    return { value: await promise };
  } catch (error) {
    return error;
  }
}

describe("run", () => {
  it("gives what a command wrote, and what it ended with", () =>
    run(async () => {
      const outcome = await subprocess.run("sh", ["-c", "echo out; echo err >&2; exit 3"]);
      expect(outcome).toEqual({
        command: ["sh", "-c", "echo out; echo err >&2; exit 3"],
        returncode: 3,
        signal: null,
        stdout: "out\n",
        stderr: "err\n",
      });
    }));

  it("tells of a signal that ended the command", () =>
    run(async () => {
      const { returncode, signal } = await subprocess.run("sh", ["-c", "kill -USR1 $$"]);
      expect([returncode, signal]).toEqual([-10, "SIGUSR1"]);
    }));

  it("gives the command its input, or an empty one", () =>
    run(async () => {
      expect((await subprocess.run("cat", [], { input: "täxt" })).stdout).toBe("täxt");
      expect((await subprocess.run("cat", [], { input: Buffer.from([65, 66]) })).stdout).toBe("AB");
      expect((await subprocess.run("cat")).stdout).toBe("");
    }));

  it("takes the output for UTF-8, for another encoding, or for bytes", () =>
    run(async () => {
      const input = "ü";
      expect((await subprocess.run("cat", [], { input })).stdout).toBe("ü");
      expect((await subprocess.run("cat", [], { input, encoding: "hex" })).stdout).toBe("c3bc");
      const { stdout, stderr } = await subprocess.run("cat", [], { input, encoding: "buffer" });
      expect([stdout, stderr]).toEqual([Buffer.from("ü"), Buffer.alloc(0)]);
    }));

  it("runs a line for the shell", () =>
    run(async () => {
      const { stdout, command } = await subprocess.run("echo a b | wc -w", [], { shell: true });
      expect([stdout.trim(), command]).toEqual(["2", ["echo a b | wc -w"]]);
    }));

  it("gives empty text for output that goes elsewhere, and both where they are one", () =>
    run(async () => {
      const { DEVNULL, STDOUT } = subprocess;
      const script = ["-c", "echo out; echo err >&2"];
      const { stdout, stderr } = await subprocess.run("sh", script, { stdout: DEVNULL });
      expect([stdout, stderr]).toEqual(["", "err\n"]);
      const both = await subprocess.run("sh", script, { stderr: STDOUT });
      expect([both.stdout, both.stderr]).toEqual(["out\nerr\n", ""]);
    }));

  it("ends what the command leaves running in the background", () =>
    run(async () => {
      const script = "sleep 1000 > /dev/null 2>&1 & echo done";
      expect((await subprocess.run("sh", ["-c", script])).stdout).toBe("done\n");
      expect(descendants()).toEqual([]);
    }));

  it("leaves alone what has gone into a session of its own: that is what daemons do", () =>
    run(async () => {
      const start = "setsid sleep 1000 > /dev/null 2>&1 &";
      const away = "read _ _ _ _ group _ < /proc/$!/stat && [ $group = $! ]";
      const { stdout } = await subprocess.run("sh", [
        "-c",
        `${start} until ${away}; do sleep 0.01; done; echo $!`,
      ]);
      expect(descendants()).toEqual([Number(stdout)]);
      process.kill(Number(stdout), "SIGKILL");
      while (descendants().length > 0) await sleep(1);
    }));

  it("refuses wrong arguments, and shows right ones", () =>
    run(async () => {
      const wrong = subprocess.run as (...args: unknown[]) => Promise<unknown>;
      await expect(wrong("ls", "-l")).rejects.toThrow('run("ls", ["-l"])');
      await expect(wrong("ls", [], 5)).rejects.toThrow("such as { check: true }; got 5");
      await expect(wrong("ls -l", ["x"], { shell: true })).rejects.toThrow("a whole line");
      await expect(wrong("ls", [], { encoding: "utf9" })).rejects.toThrow(RangeError);
      await expect(wrong("ls", [], { timeout: "5 s" })).rejects.toThrow("timeout is not a duration");
      for (const maxOutput of [-1, 1.5, "1k", Number.NaN])
        await expect(wrong("ls", [], { maxOutput })).rejects.toThrow("{ maxOutput: 2 ** 20 }; got");
      await expect(wrong("")).rejects.toThrow("program must be");
    }));

  it("needs a task", async () => {
    await expect(subprocess.run("true")).rejects.toThrow("run() needs a running event loop");
  });
});

describe("check", () => {
  it("makes a command that fails an error, which shows the command and the end of stderr", () =>
    run(async () => {
      const script = "echo out; for i in $(seq 30); do echo line $i >&2; done; exit 2";
      const error = await errorOf(subprocess.run("sh", ["-c", script, "two words"], { check: true }));
      if (!(error instanceof CalledProcessError)) throw error;
      expect(error.message).toBe(
        `sh -c '${script}' 'two words' ended with 2; its stderr ends with:\n${Array.from({ length: 10 }, (_, i) => `line ${i + 21}`).join("\n")}`,
      );
      expect([error.returncode, error.signal, error.stdout]).toEqual([2, null, "out\n"]);
      expect(error.stderr.split("\n").length).toBe(31);
      expect(error.command).toEqual(["sh", "-c", script, "two words"]);
    }));

  it.each([
    ["exit 1", "sh -c 'exit 1' ended with 1"],
    ["kill -9 $$", "sh -c 'kill -9 $$' was ended by SIGKILL"],
    ["echo no >&2; exit 1", "sh -c 'echo no >&2; exit 1' ended with 1; its stderr:\nno"],
  ])("says of %j how it ended", (script, message) =>
    run(async () => {
      const error = await errorOf(subprocess.run("sh", ["-c", script], { check: true }));
      expect((error as Error).message).toBe(message);
    }),
  );

  it("cuts commands and stderr that are too long", () =>
    run(async () => {
      const args = ["-c", "head -c 100000 /dev/zero | tr '\\0' x >&2; exit 1", "y".repeat(10_000)];
      const error = await errorOf(subprocess.run("sh", args, { check: true }));
      expect((error as Error).message.length).toBeLessThan(2500);
      expect((error as Error).message).toContain("…");
    }));

  it("does not mind 0", () =>
    run(async () => {
      expect((await subprocess.run("true", [], { check: true })).returncode).toBe(0);
    }));
});

describe("timeout", () => {
  it("ends the command and all that it started, and gives what was written till then", () =>
    run(async () => {
      const script = "echo begun; echo help >&2; sleep 1000 & sleep 1000";
      const error = await errorOf(subprocess.run("sh", ["-c", script], { timeout: "1s" }));
      if (!(error instanceof CommandTimeoutError)) throw error;
      expect(descendants()).toEqual([]);
      expect(error).toBeInstanceOf(TimeoutError);
      expect([error.stdout, error.stderr]).toEqual(["begun\n", "help\n"]);
      expect(error.message).toBe(
        `sh -c '${script}' took longer than 1000 ms, and was ended; its stderr:\nhelp`,
      );
    }));

  it("lets the command end in order", () =>
    run(async () => {
      const script = "trap 'exit 0' TERM; while :; do sleep 0.01; done";
      const error = await errorOf(subprocess.run("sh", ["-c", script], { timeout: "100ms", grace: "10s" }));
      expect(error).toBeInstanceOf(CommandTimeoutError);
    }));

  it("does not matter to a command that is quick", () =>
    run(async () => {
      expect((await subprocess.run("echo", ["quick"], { timeout: "1h" })).stdout).toBe("quick\n");
    }));

  it("from around it makes a plain TimeoutError, and ends the command as well", () =>
    run(async () => {
      const error = await errorOf(
        timeout("50ms", () => subprocess.run("sleep", ["1000"], { timeout: "1h" })),
      );
      expect(error).toBeInstanceOf(TimeoutError);
      expect(error).not.toBeInstanceOf(CommandTimeoutError);
      expect(descendants()).toEqual([]);
    }));
});

describe("maxOutput", () => {
  it("ends a command that writes more, and all that it started; what it wrote till then is kept", () =>
    run(async () => {
      const script = "echo help >&2; sleep 1000 & yes";
      const error = await errorOf(subprocess.run("sh", ["-c", script], { maxOutput: 100_000 }));
      if (!(error instanceof OutputLimitError)) throw error;
      expect(descendants()).toEqual([]);
      expect([error.stream, error.maxOutput, error.command]).toEqual([
        "stdout",
        100_000,
        ["sh", "-c", script],
      ]);
      expect(error.stdout).toBe("y\n".repeat(50_000));
      expect(error.stderr).toBe("help\n");
      expect(error.message).toMatch(
        /^sh -c '.*' wrote more than 100000 bytes to stdout, and was ended: give run\(\) a higher maxOutput, .*; its stderr:\nhelp$/,
      );
    }));

  it("is for stderr as well, and for bytes", () =>
    run(async () => {
      const options = { maxOutput: 3, encoding: "buffer" } as const;
      const error = await errorOf(
        subprocess.run("sh", ["-c", "echo out; echo error >&2; exec sleep 1000"], options),
      );
      if (!(error instanceof OutputLimitError)) throw error;
      expect(["stdout", "stderr"]).toContain(error.stream); // which comes first is not said
      expect(error.stdout).toEqual(Buffer.from("out"));
      expect(error.stderr.length).toBeLessThanOrEqual(3);
      const alone = await errorOf(subprocess.run("sh", ["-c", "echo error >&2; exec sleep 1000"], options));
      expect(alone).toMatchObject({ stream: "stderr", stdout: Buffer.alloc(0), stderr: Buffer.from("err") });
    }));

  it("does not mind what is just as long, and is for each of the two alone", () =>
    run(async () => {
      const outcome = await subprocess.run("sh", ["-c", "echo out; echo err >&2"], { maxOutput: 4 });
      expect([outcome.stdout, outcome.stderr]).toEqual(["out\n", "err\n"]);
      expect((await subprocess.run("true", [], { maxOutput: 0 })).stdout).toBe("");
    }));

  it("is an error even if the command has ended with 0 by then", () =>
    run(async () => {
      const error = await errorOf(subprocess.run("echo", ["too much"], { maxOutput: 3, check: true }));
      expect(error).toBeInstanceOf(OutputLimitError);
    }));

  it("ends one that does not heed SIGTERM, after the grace", () =>
    run(async () => {
      const script = "trap '' TERM; yes & while :; do wait; done";
      const error = await errorOf(subprocess.run("sh", ["-c", script], { maxOutput: 10, grace: "50ms" }));
      expect(error).toBeInstanceOf(OutputLimitError);
      expect(descendants()).toEqual([]);
    }));

  it("is not the last word when the time is over first", () =>
    run(async () => {
      const options = { maxOutput: 10, timeout: "200ms" } as const;
      const error = await errorOf(subprocess.run("sh", ["-c", "echo few; sleep 1000"], options));
      if (!(error instanceof CommandTimeoutError)) throw error;
      expect(error.stdout).toBe("few\n");
    }));

  it("null is no limit, and the default leaves room for much", () =>
    run(async () => {
      const size = 20 * 2 ** 20;
      const args = ["-c", `${size}`, "/dev/zero"];
      expect((await subprocess.run("head", args, { encoding: "buffer" })).stdout.length).toBe(size);
      const options = { encoding: "buffer", maxOutput: null } as const;
      expect((await subprocess.run("head", args, options)).stdout.length).toBe(size);
    }));
});
