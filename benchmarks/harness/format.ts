/** Figures and ratios as a reader sees them: the same in the terminal, the tables and the charts. */
import type { Unit } from "./row.ts";
import type { Cell } from "./statistics.ts";

const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const digits = (value: number): string =>
  Math.abs(value) >= 100 ? grouped.format(value) : String(Number(value.toPrecision(2)));

/** `1,234 ns`, `0.35 ms`, `46 kB`. */
export function figure(value: number, unit: Unit): string {
  if (unit === "B" && value >= 10_000_000) return `${digits(value / 1e6)} MB`;
  if (unit === "B" && value >= 10_000) return `${digits(value / 1000)} kB`;
  if (unit === "ns" && value >= 1_000_000) return `${digits(value / 1e6)} ms`;
  return `${digits(value)} ${unit}`;
}

/** `1,200 – 1,300 ns`, or a single figure when nothing varied. */
export function spread({ min, max }: Cell, unit: Unit): string {
  const [low, high] = [figure(min, unit), figure(max, unit)];
  if (low === high) return low;
  const [number, symbol] = low.split(" ");
  return high.endsWith(` ${symbol}`) ? `${number}–${high}` : `${low} – ${high}`;
}

/** `0.24x`, `5.3x`, `38x`. */
export function times(ratio: number): string {
  return `${ratio < 10 ? Number(ratio.toPrecision(2)) : grouped.format(ratio)}x`;
}
