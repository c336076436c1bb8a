// The disk is full, a file may not become larger, the process is killed: old files stay whole.
import { once } from "node:events";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { canMount, output, outputOnSmallDisk, start } from "./child.ts";
import { testFolder } from "./folder.ts";

/** What can be written, and what can't: into the folder `FOLDER`, where about 1 MB has room. */
const PROGRAM = `
import { readdirSync, readFileSync, statSync } from "node:fs";
import { run } from "brio";
import { appendFile, copy, open, openFileStatistics, temporaryFile, writeFile } from "brio/files";

const folder = process.env.FOLDER;
const large = "new".repeat(1_000_000);
const attempt = async (name, work) => {
  const code = await work().then(() => "done", (error) => error.code);
  console.log(name, code, readdirSync(folder).join());
};
await run(async () => {
  await writeFile(folder + "/a", "old".repeat(10_000));
  await attempt("writeFile", () => writeFile(folder + "/a", large));
  await attempt("writeFile of a new one", () => writeFile(folder + "/b", large));
  await attempt("copy", () => copy(process.execPath, folder + "/a"));
  console.log("old", readFileSync(folder + "/a", "utf8") === "old".repeat(10_000));
  await attempt("write", async () => {
    await using file = await open(folder + "/c", "w");
    try {
      await file.write(large);
    } finally {
      console.log("position", file.position === statSync(folder + "/c").size, file.position > 100_000);
      await file.truncate(0);
    }
  });
  await attempt("temporaryFile", async () => {
    await using file = await temporaryFile({ parent: folder });
    await file.write(large);
  });
  await attempt("appendFile", () => appendFile(folder + "/c", large));
  await attempt("afterwards", async () => {
    await using file = await open(folder + "/c", "w"); // makes room
    await writeFile(folder + "/a", "small");
  });
  console.log("open", openFileStatistics().open, readFileSync(folder + "/a", "utf8"));
});
`;

const expected = (code: string) =>
  [
    `writeFile ${code} a`,
    `writeFile of a new one ${code} a`,
    `copy ${code} a`,
    "old true",
    "position true true",
    `write ${code} a,c`,
    `temporaryFile ${code} a,c`,
    `appendFile ${code} a,c`,
    "afterwards done a,c",
    "open 0 small",
    "",
  ].join("\n");

test.skipIf(!canMount)("the disk is full", async () => {
  expect(await outputOnSmallDisk(PROGRAM, "1m", testFolder())).toBe(expected("ENOSPC"));
});

// Node itself ignores SIGXFSZ.
test.skipIf(process.platform === "win32")("a file may not become so large", async () => {
  const printed = await output(PROGRAM, "ulimit -f 1000", { FOLDER: testFolder() });
  expect(printed).toBe(expected("EFBIG"));
});

const WRITER = `
import { run } from "brio";
import { writeFile } from "brio/files";

await run(async () => {
  for (let i = 0; ; i++) {
    await writeFile(process.env.FOLDER + "/a", "abcdefgh"[i % 8].repeat(1_000_000));
    console.log(i);
  }
});
`;

test("a process that is killed while it writes leaves the old file or the new one, whole", async () => {
  const folder = testFolder();
  const path = join(folder, "a");
  for (const kills of [1, 2, 3]) {
    const old = "z".repeat(kills);
    writeFileSync(path, old);
    const child = start(WRITER, "true", { FOLDER: folder });
    const closed = once(child, "close");
    let lines = 0;
    for await (const text of child.stdout.setEncoding("utf8")) {
      lines += (text as string).split("\n").length - 1; // a string, as its encoding is set
      if (lines >= kills) child.kill("SIGKILL");
    }
    await closed;
    expect(child.signalCode).toBe("SIGKILL");
    const content = readFileSync(path, "latin1");
    expect(content.length).toBe(1_000_000);
    expect(content === content.charAt(0).repeat(1_000_000)).toBe(true);
  }
  // That is what such a process leaves.
  for (const name of readdirSync(folder)) if (name.startsWith(".brio-")) rmSync(join(folder, name));
});
