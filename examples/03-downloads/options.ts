// The command line.
import { parseArgs } from "node:util";

export interface Options {
  /** Where to; undefined: a temporary directory, removed at the end. */
  readonly dir?: string | undefined;
  readonly files: number;
  readonly atOnce: number;
}

export const USAGE = "Usage: npm start -- [--dir DIRECTORY] [--files 40] [--at-once 8]";

/** @throws Error if the arguments make no sense */
export function optionsOf(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      dir: { type: "string" },
      files: { type: "string", default: "40" },
      "at-once": { type: "string", default: "8" },
    },
  });
  return {
    dir: values.dir,
    files: count("--files", values.files),
    atOnce: count("--at-once", values["at-once"]),
  };
}

function count(option: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new RangeError(`${option} must be a whole number from 1 on; got ${JSON.stringify(text)}`);
}
