import { expect } from "vitest";

/**
 * Reads the rows with the numbers from 1 to 10,000,000, in any order: the memory is not to grow with them.
 *
 * @param memory in bytes; by default that of this process
 * @param processes of how many that is
 */
export async function tenMillionRows(
  rows: AsyncIterable<{ readonly i: number }>,
  memory: () => number = process.memoryUsage.rss,
  processes = 1,
): Promise<void> {
  const most = { early: 0, late: 0 };
  let seen = 0;
  let sum = 0;
  for await (const { i } of rows) {
    sum += i;
    if (++seen % 100_000 !== 0) continue;
    const part = seen <= 2_000_000 ? "early" : "late";
    most[part] = Math.max(most[part], memory());
  }
  expect([seen, sum]).toEqual([10_000_000, 50_000_005_000_000]);
  expect(most.late - most.early).toBeLessThan(processes * 100 * 2 ** 20); // ten million rows would be a gigabyte in each
}
