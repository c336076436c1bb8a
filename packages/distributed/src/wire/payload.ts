import { deserialize, serialize } from "node:v8";

/*
 * Values on their way through Redis. What JSON represents exactly is written as JSON: dashboards can show it, and programs
 * in other languages read it. Everything else that can be cloned (Map, Date, bigint, Uint8Array, undefined in an array, ...)
 * is written as V8 serializes it. A newer Node reads what an older one has written so; not always the other way round.
 */

/** A value as it is stored; without members it is `undefined`. */
export type Payload =
  | { readonly json: unknown }
  | { readonly v8: string }
  | { readonly [key: string]: never };

/** A payload, and how large it may be at most: enough to tell most that are small enough. */
export interface Encoded {
  readonly payload: Payload;
  /** Not less than its bytes as JSON. */
  readonly atMost: number;
}

/** Deeper than that, V8's format takes over: it doesn't mind. */
const DEEPEST = 64;

/**
 * Makes a payload of a value.
 *
 * @throws what V8 throws (a DataCloneError) if the value can't be cloned.
 */
export function encode(value: unknown): Encoded {
  if (value === undefined) return { payload: {}, atMost: 2 };
  const size = new ExactSize();
  if (size.add(value, 0)) return { payload: { json: value }, atMost: size.bytes + 9 };
  const v8 = serialize(value).toString("base64");
  return { payload: { v8 }, atMost: v8.length + 9 };
}

/** The value that a payload was made of. */
export function decode(payload: Payload): unknown {
  if ("v8" in payload) return deserialize(Buffer.from(payload.v8 as string, "base64")); // as encode() has made it
  return payload.json;
}

/** How many bytes a payload takes. */
export function bytesOf({ payload, atMost }: Encoded, limit: number): number {
  return atMost <= limit ? atMost : Buffer.byteLength(JSON.stringify(payload));
}

/** Walks a value that may be written as JSON, as long as it can be read back as it was. */
class ExactSize {
  bytes = 0;
  private readonly seen = new Set<object>();

  /** False if JSON would lose something. */
  add(value: unknown, depth: number): boolean {
    switch (typeof value) {
      case "string":
        this.bytes += value.length * 6 + 3; // each may become \u0000
        return true;
      case "number":
        this.bytes += 26;
        return Number.isFinite(value) && !Object.is(value, -0);
      case "boolean":
        this.bytes += 6;
        return true;
      case "object":
        this.bytes += 5;
        return value === null || (depth < DEEPEST && this.addObject(value, depth + 1));
      default:
        return false;
    }
  }

  private addObject(value: object, depth: number): boolean {
    // Twice the same object: JSON would make two of it, or never end.
    if (this.seen.has(value)) return false;
    this.seen.add(value);
    if (Array.isArray(value)) return this.addArray(value, depth);
    const prototype = Object.getPrototypeOf(value) as unknown;
    if (prototype !== Object.prototype) return false;
    for (const key of Object.keys(value)) {
      // With this name, it would be read as one by some.
      if (key === "__proto__" || key === "toJSON") return false;
      this.bytes += key.length * 6 + 4;
      if (!this.add((value as Record<string, unknown>)[key], depth)) return false;
    }
    return true;
  }

  private addArray(value: readonly unknown[], depth: number): boolean {
    // Holes, and properties beside the elements.
    if (Object.keys(value).length !== value.length) return false;
    return value.every((element) => this.add(element, depth));
  }
}
