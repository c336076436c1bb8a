import process from "node:process";
import { setImmediate } from "node:timers";
import { interruptible, run } from "brio";
import { runVirtual } from "brio/testing";

/** Something that is done a million times while something else lives on: it must leave nothing there. */
export interface LeakCase {
  /** What is done, in the plural. */
  readonly name: string;
  /** How often; default a million. */
  readonly count?: number;
  /** Run in virtual time, for what waits for timers. */
  readonly virtual?: boolean;
  /** Makes what lives long, and returns what does `count` operations with it. */
  prepare(): (count: number) => Promise<void>;
}

export interface Measurement {
  /** How many operations were done. */
  readonly count: number;
  /** How much larger the heap is afterwards, in bytes. */
  readonly growth: number;
  /** May it be that much? */
  readonly ok: boolean;
}

/** Operations before the first look: code is compiled, and what grows by doubling has grown. */
const WARM_UP = 20_000;
/** What may stay behind, in bytes: what the compiler has learnt, and the like. The smallest leak of a million times is more. */
const ALLOWED = 500_000;

/** Does the operations of a case, and compares the heap before and after, with what lives long still alive. */
export async function measure(leakCase: LeakCase): Promise<Measurement> {
  const { count = 1_000_000 } = leakCase;
  const start = leakCase.virtual === true ? runVirtual<number> : run<number>;
  const growth = await start(async () => {
    const work = leakCase.prepare();
    await work(Math.min(WARM_UP, count));
    const before = await heapAtRest();
    await work(Math.ceil(count / 2));
    const halfway = await heapAtRest();
    await work(Math.floor(count / 2));
    const after = await heapAtRest();
    // Something older that went away meanwhile may hide what has come: it does not do so twice.
    return Math.max(after - before, 2 * (after - halfway));
  });
  return { count, growth, ok: growth <= ALLOWED };
}

/** The heap in use when everything that can be collected has been. */
async function heapAtRest(): Promise<number> {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error("run this with --expose-gc: npm run check:leaks");
  for (let i = 0; i < 4; i++) {
    gc();
    // Finalizers run in a turn of their own, and let go of more.
    await interruptible(new Promise((resolve) => setImmediate(resolve)));
  }
  return process.memoryUsage().heapUsed;
}
