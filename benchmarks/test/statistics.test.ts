import { expect, test } from "vitest";
import { figure, spread, times } from "../harness/format.ts";
import { growth, type ResultRow, ratio } from "../harness/results.ts";
import { median, rounded, summarize } from "../harness/statistics.ts";
import { batches, leastDisturbed } from "../programs/measure.ts";

test("the median is the middle, or between the two in the middle", () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([1, 9, 3, 5])).toBe(4);
  expect(() => median([])).toThrow(RangeError);
});

test("several runs are summed up by their medians, so that one bad sample in a run is no news", () => {
  expect(
    summarize([
      [10, 11, 900],
      [12, 12, 13],
      [14, 13, 14],
    ]),
  ).toEqual({ median: 12, min: 11, max: 14 });
});

test("a single run is summed up by its samples", () => {
  expect(summarize([[3, 1, 2]])).toEqual({ median: 2, min: 1, max: 3 });
});

test("three digits are kept", () => {
  expect(rounded({ median: 123456.7, min: 12.345, max: 0.12345 })).toEqual({
    median: 123457,
    min: 12.3,
    max: 0.123,
  });
});

test("batches are of one length, and no more than there are values", () => {
  expect(batches([1, 3, 5, 7, 100], 2)).toEqual([2, 6]);
  expect(batches([4, 2], 5)).toEqual([4, 2]);
});

test("rounds in which something else ran are left out, unless that was in nearly all", () => {
  const rounds = (...counts: number[]) => counts.map((disturbed, i) => ({ duration: i, disturbed }));
  const used = (...counts: number[]) => leastDisturbed(rounds(...counts)).map(({ duration }) => duration);
  expect(used(0, 0, 3, 0, 0, 0, 0, 1)).toEqual([0, 1, 3, 4, 5, 6]);
  expect(used(2, 1, 0, 1, 9, 1, 1)).toEqual([1, 2, 3, 5, 6]);
  expect(used(7, 8)).toEqual([0, 1]);
});

const cell = (value: number) => ({ median: value, min: value, max: value });

test("ratios are to brio", () => {
  const row: ResultRow = {
    row: "lock",
    group: "core",
    unit: "ns",
    better: "lower",
    cells: { brio: cell(200), asyncio: cell(1000), native: cell(50) },
  };
  expect([ratio(row, "asyncio"), ratio(row, "native"), ratio(row, "trio")]).toEqual([5, 0.25, undefined]);
});

test("growth is how far any size is above the smallest", () => {
  const steps = [100, 90, 160, 120].map((value, i) => ({ size: 10 ** (i + 3), ...cell(value) }));
  expect(growth({ row: "lock", group: "core", unit: "ns", peer: "brio", steps })).toBe(1.6);
});

test("figures have units that fit, and two or three digits, or all of a whole number", () => {
  expect([figure(1234.5, "ns"), figure(12.34, "ns"), figure(2_500_000, "ns")]).toEqual([
    "1,235 ns",
    "12 ns",
    "2.5 ms",
  ]);
  expect([figure(771, "B"), figure(46_123, "B"), figure(56_000_000, "B")]).toEqual([
    "771 B",
    "46 kB",
    "56 MB",
  ]);
});

test("a spread names its unit once, unless it has two, and is a single figure when nothing varied", () => {
  expect(spread({ median: 5, min: 1200, max: 1300 }, "ns")).toBe("1,200–1,300 ns");
  expect(spread({ median: 5, min: 9000, max: 11_000 }, "B")).toBe("9,000 B – 11 kB");
  expect(spread({ median: 5, min: 5, max: 5 }, "ms")).toBe("5 ms");
});

test("ratios are as exact as they can be read", () => {
  expect([times(0.2439), times(5.26), times(38.4), times(1234)]).toEqual(["0.24x", "5.3x", "38x", "1,234x"]);
});
