/** Reads the files that hold scenarios: `.json` (one), `.jsonl` and `.jsonl.gz` (one per line), `-` for stdin. */
import { readFile } from "node:fs/promises";
import process from "node:process";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { isRecord } from "./fields.ts";

export type Line = { readonly json: unknown } | { readonly error: string };

/** @throws when the file can't be read. A line that is no JSON is an `error` of its own. */
export async function readLines(path: string): Promise<Line[]> {
  const bytes = path === "-" ? await buffer(process.stdin) : await readFile(path);
  const text = (isGzip(bytes) ? gunzipSync(bytes) : bytes).toString("utf8");
  const whole = parse(text);
  // One scenario, possibly printed over many lines; otherwise each line is one.
  if ("json" in whole || /\.json(\.gz)?$/.test(path)) return [whole];
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map(parse);
}

const isGzip = (bytes: Buffer): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

function parse(text: string): Line {
  try {
    return { json: JSON.parse(text) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

/** A line is a scenario, or an object that has one as `scenario`, next to what was recorded for it. */
export const scenarioOf = (json: unknown): unknown =>
  isRecord(json) && "scenario" in json ? json.scenario : json;
