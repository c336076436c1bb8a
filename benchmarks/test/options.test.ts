import { expect, test } from "vitest";
import { rows } from "../groups/index.ts";
import { help, parseOptions, UsageError } from "../harness/options.ts";
import { peerNames } from "../harness/peers.ts";

const parse = (...args: string[]) => parseOptions(args, rows);
const names = (...args: string[]) => parse(...args).rows.map((row) => row.name);

test("without options, every row is measured with every peer, several times", () => {
  const options = parse();
  expect(options.rows).toEqual(rows);
  expect(options.peers).toEqual(peerNames);
  expect(options.effort.runs).toBeGreaterThan(1);
});

test("--only takes rows and groups, listed or repeated, and keeps the order of the tables", () => {
  expect(names("--only", "lock,spawn-join")).toEqual(["spawn-join", "lock"]);
  expect(names("--only", "lock", "--only", "size")).toEqual(["lock", "size"]);
  expect(names("--only", "core")).toEqual(rows.filter((row) => row.group === "core").map((row) => row.name));
  expect(names("--only", "http")).toEqual(
    rows
      .filter((row) => ["http-client", "http-download", "http-server"].includes(row.group))
      .map((row) => row.name),
  );
});

test("--peers keeps brio, which the ratios are to", () => {
  expect(parse("--peers", "trio,native").peers).toEqual(["brio", "native", "trio"]);
});

test("growth is brio's own, unless peers are named", () => {
  expect(parse("--growth").peers).toEqual(["brio", "native"]);
  expect(parse("--growth", "--peers", "effect").peers).toEqual(["brio", "effect"]);
});

test("--quick measures each cell once, and --runs as often as it says", () => {
  expect(parse("--quick").effort.runs).toBe(1);
  expect(parse("--quick", "--runs", "4").effort).toEqual({ ...parse("--quick").effort, runs: 4 });
});

test("--quick leaves out who is slow in a row, and no one else", () => {
  const [all] = parse("--only", "timers-100k").rows;
  const [quick] = parse("--only", "timers-100k", "--quick").rows;
  expect(all?.peers.filter((peer) => !quick?.peers.includes(peer))).toEqual(["trio"]);
});

test.each([
  { args: ["--only", "lokc"], message: /there is no lokc in core, .*\block\b/ },
  { args: ["--peers", "asyncoi"], message: /there is no asyncoi/ },
  { args: ["--runs", "0"], message: /--runs takes a whole number from 1, got 0/ },
  { args: ["--fast"], message: /--fast/ },
  { args: ["--write", "--only", "lock"], message: /--write publishes whole groups/ },
  { args: ["--write", "--only", "echo", "--peers", "native"], message: /--write publishes whole groups/ },
])("$args is refused, with what can be meant", ({ args, message }) => {
  expect(() => parse(...args)).toThrow(UsageError);
  expect(() => parse(...args)).toThrow(message);
});

test("--write publishes groups by themselves", () => {
  const { write, rows: chosen } = parse("--write", "--only", "echo");
  expect(write).toBe(true);
  expect(chosen).toEqual(rows.filter((row) => row.group === "echo"));
});

test("the help names every row", () => {
  const text = help(rows);
  for (const { name } of rows) expect(text).toContain(`  ${name} `);
});
