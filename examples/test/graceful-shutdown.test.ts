import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Ended, Program } from "./program.ts";

let directory: string;
let backlogFile: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "brio-orders-test-"));
  backlogFile = join(directory, "orders.json");
});

afterEach(() => rm(directory, { recursive: true }));

const shop = (): Program => new Program("06-graceful-shutdown/main.ts", [backlogFile]);
const tenthTaken = (line: string): boolean => line === "order 10 taken";
const backlog = async (): Promise<number[]> => JSON.parse(await readFile(backlogFile, "utf8"));

function ordersIn({ lines }: Ended, pattern: RegExp): number[] {
  return lines.flatMap((line) => pattern.exec(line)?.[1] ?? []).map(Number);
}

test.each([
  ["SIGTERM", 143],
  ["SIGINT", 130],
] as const)(
  "06-graceful-shutdown: %s loses no order, and ends with exit code %i",
  async (signal, exitCode) => {
    await using program = shop();
    await program.line(tenthTaken);
    program.process.kill(signal);
    const ended = await program.ended();

    expect(ended.stderr).toBe("");
    expect(ended.code).toBe(exitCode);
    const left = await backlog();
    expect(left.length).toBeGreaterThan(0);
    const packed = ordersIn(ended, /^order (\d+) packed/);
    const taken = ordersIn(ended, /^order (\d+) taken/);
    expect([...packed, ...left].sort((a, b) => a - b)).toEqual(taken);
    expect(ended.lines.at(-1)).toBe(`orders ${left.join(", ")} are left for next time`);
  },
);

test("06-graceful-shutdown: the next start goes on with what was left", async () => {
  await using first = shop();
  await first.line(tenthTaken);
  first.process.kill("SIGTERM");
  await first.ended();
  const left = await backlog();

  await using second = shop();
  await second.line((line) => line.startsWith("the shop is open"));
  second.process.kill("SIGTERM");
  const { lines, code } = await second.ended();
  expect(code).toBe(143);
  expect(lines[0]).toBe(`orders ${left.join(", ")} were left from last time`);
});

test("06-graceful-shutdown: SIGHUP is answered, and ends nothing", async () => {
  await using program = shop();
  await program.line(tenthTaken);
  program.process.kill("SIGHUP");
  expect(await program.line((line) => line.endsWith("are waiting"))).toMatch(/^\d+ orders are waiting$/);
  program.process.kill("SIGTERM");
  expect((await program.ended()).code).toBe(143);
});
