export interface Cell {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("there is no median of nothing");
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number; // not empty
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

/**
 * A cell from its runs, each of which is the samples that one process took: the median of the processes' medians, and
 * how far those are apart. A single process can only say how far its own samples are.
 */
export function summarize(runs: readonly (readonly number[])[]): Cell {
  const [only] = runs;
  const values = runs.length === 1 && only !== undefined ? only : runs.map(median);
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** Three significant digits and no more: what the machine's noise leaves. */
export const rounded = ({ median, min, max }: Cell): Cell => ({
  median: threeDigits(median),
  min: threeDigits(min),
  max: threeDigits(max),
});

const threeDigits = (value: number): number =>
  Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
