import { mkdtempSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { expect, onTestFinished, test } from "vitest";
import { Program } from "./program.ts";

/** The command lines of processes whose environment has `mark`. */
function running(mark: string): string[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc").flatMap((pid) => {
    try {
      if (!readFileSync(`/proc/${Number(pid)}/environ`, "latin1").includes(mark)) return [];
      return [readFileSync(`/proc/${pid}/cmdline`, "latin1")];
    } catch {
      return []; // no process, or it has ended meanwhile
    }
  });
}

function builder(...args: string[]): Program {
  const folder = mkdtempSync(join(tmpdir(), "brio-test-"));
  onTestFinished(() => {
    expect(running(`TMPDIR=${folder}`)).toEqual([]);
    rmdirSync(folder); // it is empty
  });
  return new Program("11-build-runner/main.ts", args, { TMPDIR: folder });
}

test("11-build-runner does each step when what it needs is done", async () => {
  await using program = builder();
  const { code, lines, stderr } = await program.ended();
  expect(stderr).toBe("");
  expect(code).toBe(0);
  const at = (line: string): number => lines.indexOf(line);
  const checks = [1, 2, 3].map((part) => at(`check part${part} is done`));
  expect(at("generate: part3.js")).toBeLessThan(at("generate is done"));
  expect(at("generate is done")).toBeLessThan(Math.min(...checks));
  expect(Math.max(...checks)).toBeLessThan(at("bundle: 3"));
  expect(lines.slice(-6)).toEqual([
    "bundle is done",
    "test: part 1",
    "test: part 2",
    "test: part 3",
    "test is done",
    "all is built",
  ]);
});

test("11-build-runner ends what runs when a step fails, and does not begin what needs it", async () => {
  await using program = builder("broken");
  const { code, lines, stderr } = await program.ended();
  expect(stderr).toBe("");
  expect(code).toBe(1);
  expect([...lines].sort()).toEqual([
    "compile: part1.js:1: no such name",
    "failed: compile ended with 2",
    "server: listening",
  ]);
});

test("11-build-runner ends what runs on Ctrl-C", async () => {
  await using program = builder("broken");
  await program.line((line) => line === "server: listening");
  program.process.kill("SIGINT");
  expect((await program.ended()).code).toBe(130);
});
