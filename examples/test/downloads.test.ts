import { mkdir, mkdtempDisposable, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { Program } from "./program.ts";

const MAIN = "03-downloads/main.ts";
const temporaryDirectory = () => mkdtempDisposable(join(tmpdir(), "brio-downloads-test-"));

// They mostly wait, so they wait together.
describe.concurrent("03-downloads", { timeout: 60_000 }, () => {
  test("brings everything that can be had, both ways, and removes its temporary files", async ({
    expect,
  }) => {
    await using directory = await temporaryDirectory();
    await using program = new Program(MAIN, [], { TMPDIR: directory.path, TEMP: directory.path });
    const { code, lines, stderr } = await program.ended();
    expect(stderr).toBe("");
    expect(lines).toContain("Everything that can be had has arrived, and no partial file is left.");
    expect(code).toBe(0);
    expect(await readdir(directory.path)).toEqual([]);

    const rows = lines.filter((line) => line.includes("█"));
    expect(rows.map((row) => row.replace(/[\d.]+ s|█+/g, "").replace(/ +/g, " "))).toEqual([
      "one by one 39 of 40 23.2 MB 13",
      "together 39 of 40 23.2 MB 13",
    ]);
    expect(lines.find((line) => line.startsWith("Speed-up:"))).toMatch(/^Speed-up: \d+\.\dx$/);
    expect(lines).toContain("data-05.bin was given up after 4 attempts: HTTP 503");
    const chart = lines.slice(lines.findIndex((line) => line.startsWith("Who ran when")) + 1);
    expect(chart.slice(0, 8).map((line) => line.slice(0, 6))).toEqual(
      [1, 2, 3, 4, 5, 6, 7, 8].map((slot) => `  ${slot} 0${slot}`),
    );
  });

  test("prints plain lines where there is no terminal, and keeps the files with --dir", async ({
    expect,
  }) => {
    await using directory = await temporaryDirectory();
    await using program = new Program(MAIN, ["--files", "5", "--dir", directory.path]);
    const { code, lines } = await program.ended();
    expect(code).toBe(0);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: there must be none
    expect(lines.filter((line) => /[\x00-\x1f\x7f]/.test(line))).toEqual([]);
    expect(lines).toContain("one by one: data-02.bin: attempt 1 failed: HTTP 503");
    expect(
      lines.filter((line) => /^together: \d\/5 data-0\d\.bin: .*, \d+\.\d\d s$/.test(line)),
    ).toHaveLength(5);
    for (const pass of ["one-by-one", "together"]) {
      const names = await readdir(join(directory.path, pass));
      expect(names.sort()).toEqual(["data-01.bin", "data-02.bin", "data-03.bin", "data-04.bin"]);
    }
  });

  test("ends with exit code 1 if there is something that can't have arrived", async ({ expect }) => {
    await using directory = await temporaryDirectory();
    await mkdir(join(directory.path, "together"));
    await writeFile(join(directory.path, "together", "data-05.bin"), "from nowhere");
    await using program = new Program(MAIN, ["--files", "5", "--dir", directory.path]);
    const { code, lines } = await program.ended();
    expect(code).toBe(1);
    expect(lines).toContain("together: data-05.bin could not be had, and is there all the same");
  });

  const isPart = (name: string): boolean => name.endsWith(".part");

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s in mid-download leaves no partial file, and exit code %i", async (signal, exitCode) => {
    await using directory = await temporaryDirectory();
    await using program = new Program(MAIN, ["--files", "7", "--dir", directory.path]);
    const names = (): Promise<string[]> => readdir(join(directory.path, "together"));
    await vi.waitFor(async () => expect((await names()).some(isPart)).toBe(true), {
      timeout: 60_000,
      interval: 5,
    });
    program.process.kill(signal);
    const { code, lines, stderr } = await program.ended();

    expect(stderr).toBe("");
    expect(code).toBe(exitCode);
    expect(lines.at(-1)).toBe("Interrupted: no partial file is left.");
    const after = await names();
    expect(after.filter(isPart)).toEqual([]);
    expect(after).not.toContain("data-07.bin");
  });

  test("leaves nothing at all of a temporary directory when it is interrupted", async ({ expect }) => {
    await using directory = await temporaryDirectory();
    await using program = new Program(MAIN, [], { TMPDIR: directory.path, TEMP: directory.path });
    await program.line((line) => line.startsWith("one by one: 2/"));
    const before = await readdir(directory.path, { recursive: true });
    program.process.kill("SIGINT");
    const { code } = await program.ended();
    expect(before.filter((name) => name.endsWith("data-02.bin"))).toHaveLength(1);
    expect(code).toBe(130);
    expect(await readdir(directory.path)).toEqual([]);
  });

  test.each([
    ["--at-once", "0"],
    ["--speed", "high"],
  ])("refuses %s %s with exit code 2", async (...args) => {
    await using program = new Program(MAIN, args);
    const { code, lines, stderr } = await program.ended();
    expect(code).toBe(2);
    expect(lines).toEqual([]);
    expect(stderr).toContain(args[0]);
    expect(stderr).toContain("Usage: npm start");
  });
});
