// What the server has to offer: files of varied sizes with reproducible contents, and what goes wrong with some of them.
import { createHash } from "node:crypto";

/** What goes wrong: nothing, something at the first request only, or the same thing each time. */
export type Fault = "none" | "unavailable once" | "cut once" | "stalls once" | "always unavailable";

export interface SiteFile {
  readonly name: string;
  readonly size: number;
  readonly content: Uint8Array;
  readonly sha256: string;
  /** Milliseconds before the first byte. */
  readonly latency: number;
  readonly fault: Fault;
  /** Can it be had, if one tries often enough? */
  readonly available: boolean;
}

const SMALLEST = 4 * 1024;
const LARGEST = 4 * 1024 * 1024;

export function makeSite(count: number): SiteFile[] {
  const random = randomNumbers(2024);
  return Array.from({ length: count }, (_, index) => {
    const size = Math.round(SMALLEST * (LARGEST / SMALLEST) ** (random() ** 0.6));
    const content = randomBytes(size, index + 1);
    const fault = faultOf(index);
    return {
      name: `data-${String(index + 1).padStart(2, "0")}.bin`,
      size,
      content,
      sha256: createHash("sha256").update(content).digest("hex"),
      latency: Math.round(20 + 230 * random()),
      fault,
      available: fault !== "always unavailable",
    };
  });
}

function faultOf(index: number): Fault {
  if (index === 4) return "always unavailable";
  if (index === 6) return "stalls once";
  if (index % 10 === 1) return "unavailable once";
  if (index % 10 === 3) return "cut once";
  return "none";
}

function randomBytes(size: number, seed: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4));
  let state = seed * 2_654_435_769;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13; // xorshift32
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer, 0, size);
}

/** Numbers in [0, 1), the same ones in each run. */
function randomNumbers(seed: number): () => number {
  const words = new Uint32Array(randomBytes(4096, seed).buffer);
  let next = 0;
  return () => (words[next++ % words.length] as number) / 2 ** 32; // the index is in range
}
