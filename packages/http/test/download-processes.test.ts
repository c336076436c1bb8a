// Several processes that download the same file to the same folder, and some that are killed.
import { readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { download } from "@brio/http/download";
import { gather, run } from "brio";
import { createSubprocessExec, DEVNULL, PIPE, type Process, run as runCommand } from "brio/subprocess";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { file, folder, noted, notesIn, serveFile } from "./file-server.ts";

leavesNothing();

const MAIN = fileURLToPath(new URL("../src/command/main.ts", import.meta.url));
const COMMAND = ["--no-warnings", "--conditions=brio-source", MAIN];

/** brio-get, in a process of its own, from its start. */
const start = (directory: string, url: string, ...more: readonly string[]): Promise<Process> =>
  createSubprocessExec(process.execPath, [...COMMAND, "-d", directory, url, ...more], {
    stdin: DEVNULL,
    stdout: PIPE,
    stderr: PIPE,
  });

/** brio-get, to its end. */
const get = (directory: string, url: string) =>
  runCommand(process.execPath, [...COMMAND, "-d", directory, url], {});

/** What is left of a process that was killed when a part of the file had come. */
async function killed(directory: string, url: string): Promise<void> {
  const child = await start(directory, url, "--limit-rate", "2M");
  await noted(directory);
  child.kill();
  await child.communicate();
}

test("a second process is refused while the first brings it, and told which that is", async () => {
  await run(async () => {
    const served = file(4_000_000);
    await using server = await serveFile(served);
    const directory = folder();
    const first = await start(directory, `${server.url}/f`, "--limit-rate", "2M");
    await noted(directory);
    const second = await get(directory, `${server.url}/f`);
    expect(second.returncode).toBe(1);
    expect(second.stderr).toContain(
      `${server.url}/f: is being downloaded to ${directory} already, by process ${first.pid}`,
    );
    const own = await download(`${server.url}/f`, { directory }).catch((error: unknown) => error);
    expect(own).toMatchObject({ name: "DownloadError", message: expect.stringContaining("by process") });
    await first.communicate();
    expect(await first.wait()).toBe(0);
    expect(readFileSync(join(directory, "f")).equals(served.content)).toBe(true);
    expect(readdirSync(directory)).toEqual(["f"]);
  });
});

test("what a process that was killed has left, the next one goes on with, at once", async () => {
  await run(async () => {
    const served = file(20_000_000);
    await using server = await serveFile(served);
    const directory = folder();
    await killed(directory, `${server.url}/f`);
    expect(readdirSync(directory)).not.toContain("f");
    const { returncode } = await get(directory, `${server.url}/f`);
    expect(returncode).toBe(0);
    expect(served.asked).toEqual(["all", expect.stringMatching(/^bytes=[1-9]\d*-19999999$/)]);
    expect(readFileSync(join(directory, "f")).equals(served.content)).toBe(true);
    expect(readdirSync(directory)).toEqual(["f"]);
  });
});

test.each([
  ["a new file", false],
  ["what a process that was killed has left", true],
])(
  "several that begin at the same time, with %s: it is whole, and nothing else is there",
  async (_, left) => {
    await run(async () => {
      const served = file(5_000_000);
      await using server = await serveFile(served);
      const directory = folder();
      if (left) await killed(directory, `${server.url}/f`);
      const ended = await gather([1, 2, 3, 4].map(() => get(directory, `${server.url}/f`)));
      const failures = ended.filter(({ returncode }) => returncode !== 0);
      expect(failures.length).toBeLessThan(4);
      for (const { stderr } of failures) expect(stderr).toContain("is being downloaded to");
      expect(readFileSync(join(directory, "f")).equals(served.content)).toBe(true);
      expect(readdirSync(directory)).toEqual(["f"]);
    });
  },
);

test("what a process elsewhere brings is left alone, until nothing has come for a minute", async () => {
  await run(async () => {
    const served = file(1_000_000, { breakAt: 400_000 });
    await using server = await serveFile(served);
    const directory = folder();
    const url = `${server.url}/f`;
    await expect(download(url, { directory, attempts: 1 })).rejects.toThrow("the connection was lost");
    // As a machine or a container that shares the folder would have left it.
    const notes = JSON.parse(readFileSync(notesIn(directory), "utf8"));
    const owner = { place: "elsewhere", pid: process.pid, began: null, thread: 0 };
    writeFileSync(notesIn(directory), JSON.stringify({ ...notes, owner }));
    served.breakAt = null;
    await expect(download(url, { directory })).rejects.toThrow("already, by a process elsewhere");
    const before = (Date.now() - 61_000) / 1000;
    utimesSync(join(directory, notes.part), before, before);
    const { path, resumed } = await download(url, { directory });
    expect(resumed).toBe(400_000);
    expect(readFileSync(path).equals(served.content)).toBe(true);
    expect(readdirSync(directory)).toEqual(["f"]);
  });
});

test("a part that was removed is begun anew, and notes never lead out of the folder", async () => {
  await run(async () => {
    const served = file(1_000_000, { breakAt: 400_000 });
    await using server = await serveFile(served);
    for (const part of ["../secret.part", `.brio-${"0".repeat(16)}-gone.part`]) {
      const outer = folder();
      const directory = join(outer, "in");
      writeFileSync(join(outer, "secret.part"), "untouched");
      served.breakAt = 400_000;
      const url = `${server.url}/f`;
      await expect(download(url, { directory, attempts: 1 })).rejects.toThrow("the connection was lost");
      const notes = JSON.parse(readFileSync(notesIn(directory), "utf8"));
      writeFileSync(notesIn(directory), JSON.stringify({ ...notes, part }));
      served.breakAt = null;
      const { path, resumed } = await download(url, { directory });
      expect(resumed).toBe(0);
      expect(readFileSync(path).equals(served.content)).toBe(true);
      expect(readFileSync(join(outer, "secret.part"), "utf8")).toBe("untouched");
    }
  });
});
