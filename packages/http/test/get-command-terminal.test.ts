// brio-get on a terminal: a bar for each download that is under way, and lines that stay for those that are done.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { interruptible, run } from "brio";
import { describe, expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { file, folder, serveFile } from "./file-server.ts";

leavesNothing();

const MAIN = fileURLToPath(new URL("../src/command/main.ts", import.meta.url));
// The program script of util-linux gives a command a terminal.
const usable = spawnSync("script", ["-qec", "true", "/dev/null"], { stdio: "ignore" }).status === 0;

describe.skipIf(!usable)("on a terminal (needs the program script, of util-linux)", () => {
  test.each([
    ["of 120 columns", "cols 120 rows 40"],
    ["that does not know its size", "cols 0 rows 0"],
  ])(
    "%s, there is a bar for each download, with how much has come; then a line for each, and a sum",
    async (_, size) => {
      await run(async () => {
        const served = file(1_000_000);
        await using server = await serveFile(served);
        const directory = folder();
        const command = [process.execPath, "--no-warnings", "--conditions=brio-source", MAIN];
        const args = [
          `${server.url}/first.bin`,
          `${server.url}/second.bin`,
          "-d",
          directory,
          "--limit-rate",
          "1500k",
        ];
        const line = [...command, ...args].map((part) => `'${part}'`).join(" ");
        const child = spawn("script", ["-qec", `stty ${size}; ${line}`, "/dev/null"], {
          stdio: ["ignore", "pipe", "inherit"],
          env: { ...process.env, TERM: "xterm" },
        });
        let raw = "";
        child.stdout.setEncoding("utf8").on("data", (text: string) => {
          raw += text;
        });
        const [code] = (await interruptible(once(child, "close"))) as [number];
        const shown = stripVTControlCharacters(raw);
        expect(code).toBe(0);
        for (const name of ["first.bin", "second.bin"]) {
          const bars = [...shown.matchAll(new RegExp(`${name} +\\[(#*)(-*)\\] +(\\d+)% of 1\\.0 MB`, "g"))];
          const percents = bars.map(([, , , percent]) => Number(percent));
          expect(percents.length).toBeGreaterThan(2);
          expect(percents).toEqual([...percents].sort((a, b) => a - b)); // it only grows
          for (const [, full, empty, percent] of bars) {
            expect((full ?? "").length + (empty ?? "").length).toBe(24);
            expect(Math.abs((full ?? "").length - (Number(percent) / 100) * 24)).toBeLessThanOrEqual(1);
          }
          expect(shown).toContain(`${join(directory, name)}: 1.0 MB`);
          expect(readFileSync(join(directory, name)).equals(served.content)).toBe(true);
        }
        expect(raw).toContain("\u001b["); // what is drawn is drawn over
        expect(shown).toMatch(/2 files, 2\.0 MB in \d+\.\d s \(.*\/s\)/);
      });
    },
  );
});
