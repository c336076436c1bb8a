// The data: images of handwritten digits, some to learn from, and others to see what was learnt.
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { randomFrom } from "./random.ts";

export const PIXELS = 64;
export const DIGITS = 10;

export interface Digits {
  /** One image after the other, each of 64 pixels between 0 and 1. */
  readonly images: Float64Array;
  readonly labels: Uint8Array;
}

/** Always the same fifth is kept for the test. */
export function loadDigits(): { training: Digits; test: Digits } {
  const file = new URL("data/digits.csv.gz", import.meta.url);
  const lines = gunzipSync(readFileSync(file)).toString().trim().split("\n");
  const random = randomFrom(7);
  const order = lines.map((line) => ({ line, at: random() })).sort((a, b) => a.at - b.at);
  const rows = order.map(({ line }) => line.split(",").map(Number));
  const kept = Math.floor(rows.length / 5);
  return { training: digitsOf(rows.slice(kept)), test: digitsOf(rows.slice(0, kept)) };
}

function digitsOf(rows: readonly (readonly number[])[]): Digits {
  const images = Float64Array.from(rows.flatMap((row) => row.slice(0, PIXELS).map((value) => value / 16)));
  return { images, labels: Uint8Array.from(rows, (row) => row[PIXELS] ?? 0) };
}
