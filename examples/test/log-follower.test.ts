import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Program } from "./program.ts";

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "brio-test-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

/** Does something, and waits for a line that comes of it. */
async function then(program: Program, line: string, action: () => void): Promise<void> {
  const comes = program.line((printed) => printed === line);
  action();
  await comes;
}

/** Without the rates, which are a matter of time. */
const withoutRates = (lines: readonly string[]): string[] =>
  lines.filter((line) => !line.startsWith("-- lines per second"));

test("12-log-follower follows growth, rotation, truncation, and what comes later; Ctrl-C ends it with a summary", async () => {
  const path = folder();
  const [app, web] = [join(path, "app.log"), join(path, "web.log")];
  writeFileSync(app, "old ERROR\n");
  await using program = new Program("12-log-follower/main.ts", [
    app,
    web,
    "--pattern",
    "ERROR",
    "--every",
    "1h",
  ]);
  const ready = new Set(["== app.log is followed from byte 10", "== web.log is not there yet"]);
  await program.line((line) => ready.delete(line) && ready.size === 0);

  await then(program, "app.log: ERROR one", () => appendFileSync(app, "fine\nERROR one\nERR"));
  await then(program, "web.log: ERROR web", () => writeFileSync(web, "ERROR web\n"));
  await then(program, "app.log: ERROR two", () => appendFileSync(app, "OR two\nERROR to the e"));
  await then(program, "app.log: ERROR three", () => {
    renameSync(app, `${app}.1`);
    appendFileSync(`${app}.1`, "nd"); // who writes may not have seen it yet
    writeFileSync(app, "ERROR three\n");
  });
  await then(program, "== web.log was truncated", () => truncateSync(web, 0));
  await then(program, "web.log: ERROR anew", () => appendFileSync(web, "ERROR anew\n"));

  program.process.kill("SIGINT");
  const { code, lines, stderr } = await program.ended();
  expect([code, stderr]).toEqual([130, ""]);
  expect(lines.filter((line) => line.includes("app.log"))).toEqual([
    "== app.log is followed from byte 10",
    "app.log: ERROR one",
    "app.log: ERROR two",
    "app.log: ERROR to the end",
    "== app.log is new",
    "app.log: ERROR three",
    "-- app.log: 5 lines, 4 shown",
  ]);
  expect(lines.filter((line) => line.includes("web.log"))).toEqual([
    "== web.log is not there yet",
    "== web.log is new",
    "web.log: ERROR web",
    "== web.log was truncated",
    "web.log: ERROR anew",
    "-- web.log: 2 lines, 2 shown",
  ]);
});

test("12-log-follower tells what is there with --from-start, says how much comes, and ends when nothing can", async () => {
  const path = join(folder(), "logs");
  mkdirSync(path);
  const log = join(path, "a.log");
  writeFileSync(log, "one\ntwo\nthr");
  await using program = new Program("12-log-follower/main.ts", [log, "--from-start", "--every", "50ms"]);
  await program.line((line) => line === "a.log: two");
  await program.line((line) => /^-- lines per second: a\.log \d+\.\d$/.test(line));
  rmSync(path, { recursive: true });
  const { code, lines, stderr } = await program.ended();
  expect([code, stderr]).toEqual([0, ""]);
  expect(withoutRates(lines)).toEqual([
    "== a.log is followed from byte 0",
    "a.log: one",
    "a.log: two",
    "== a.log can't come again: its folder is gone",
    "-- a.log: 2 lines, 2 shown",
  ]);
});
