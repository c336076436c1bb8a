// What runs in a worker: the words of one file. The file is read there as well: only its path and the figures travel.
import { readFile } from "node:fs/promises";
import { reference } from "brio/threads";

export interface Counts {
  readonly path: string;
  readonly lines: number;
  readonly words: number;
  readonly sentences: number;
  /** How often each word comes, in lower case. */
  readonly of: ReadonlyMap<string, number>;
}

const words = new Intl.Segmenter("en", { granularity: "word" });
const sentences = new Intl.Segmenter("en", { granularity: "sentence" });

export const count = reference(import.meta.url, "count", async (path: string): Promise<Counts> => {
  const text = await readFile(path, "utf8");
  const of = new Map<string, number>();
  let total = 0;
  for (const { segment, isWordLike } of words.segment(text)) {
    if (!isWordLike) continue;
    total++;
    const word = segment.toLowerCase();
    of.set(word, (of.get(word) ?? 0) + 1);
  }
  return {
    path,
    lines: text.split("\n").length - 1,
    words: total,
    sentences: [...sentences.segment(text)].length,
    of,
  };
});
