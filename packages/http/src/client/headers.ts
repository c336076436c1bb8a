import { inspect } from "node:util";

/** Headers as one writes them: an object, or pairs. A header that is undefined or null is left out. */
export type HeadersInput =
  | Readonly<Record<string, string | number | readonly string[] | undefined | null>>
  | Iterable<readonly [string, string]>;

/** Headers as they are sent: names in lower case. */
export type HeaderRecord = Record<string, string | string[]>;

/** Headers that say who asks. They go to no other origin than the one they were meant for. */
export const CREDENTIALS: readonly string[] = ["authorization", "cookie", "proxy-authorization"];

/** @throws TypeError if it is neither an object nor pairs. */
export function headerRecord(input: HeadersInput | undefined, argument: string): HeaderRecord {
  const record: HeaderRecord = {};
  if (input === undefined) return record;
  if (typeof input !== "object" || input === null) {
    throw new TypeError(
      `${argument} must be an object or pairs, such as { accept: "text/html" }; got ${inspect(input)}`,
    );
  }
  const pairs = Symbol.iterator in input ? input : Object.entries(input);
  for (const [name, value] of pairs) {
    if (value === undefined || value === null) continue;
    record[name.toLowerCase()] = Array.isArray(value) ? [...value] : String(value);
  }
  return record;
}

/** Takes those out that another origin must not see. */
export function withoutCredentials(headers: Readonly<HeaderRecord>, others: readonly string[]): HeaderRecord {
  const kept: HeaderRecord = {};
  for (const [name, value] of Object.entries(headers)) {
    if (!CREDENTIALS.includes(name) && !others.includes(name)) kept[name] = value;
  }
  return kept;
}

/** The value of a header; of one that came several times, all, as a list. */
export function headerOf(headers: Readonly<Record<string, unknown>>, name: string): string | null {
  const value = headers[name];
  if (value === undefined || value === null) return null;
  return Array.isArray(value) ? value.join(", ") : String(value);
}

/** Headers as the platform has them. */
export function platformHeaders(record: Readonly<Record<string, string | string[] | undefined>>): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(record)) {
    if (typeof value === "string") headers.append(name, value);
    else if (value !== undefined) for (const one of value) headers.append(name, one);
  }
  return headers;
}
