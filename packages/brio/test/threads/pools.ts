import { interruptible } from "brio";
import { ThreadPool, type ThreadPoolOptions } from "brio/threads";

/** As the tests themselves, workers run on the sources. */
export const execArgv: readonly string[] = ["--conditions=brio-source"];

export function threadPool(options: ThreadPoolOptions = {}): ThreadPool {
  return new ThreadPool({ maxWorkers: 2, execArgv, ...options });
}

/** Words of memory that a function in a worker tells with how far it is. */
export function sharedWords(count = 3): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4 * count));
}

/** Newer than the types that the sources are compiled against. */
interface WaitAsync {
  waitAsync(words: Int32Array, index: number, value: number): { readonly value: string | Promise<string> };
}

/** Waits until a function has said so. */
export async function said(words: Int32Array, index: number): Promise<void> {
  while (Atomics.load(words, index) === 0) {
    const { value } = (Atomics as unknown as WaitAsync).waitAsync(words, index, 0);
    await interruptible(Promise.resolve(value));
  }
}

export async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
