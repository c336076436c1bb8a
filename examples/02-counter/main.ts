// A counter class, written twice: with pauses that block the whole program, and with coroutine methods that let each
// other run. Three counts take three seconds, or one.
import { coroutine, gather, getRunningLoop, run, sleep } from "brio";

class BlockingCounter {
  count(): void {
    console.log("One");
    block(1000);
    console.log("Two");
  }
}

class Counter {
  // In TypeScript that is compiled, this is a method with a decorator: @coroutine async count() { ... }
  readonly count = coroutine(async () => {
    console.log("One");
    await sleep("1s");
    console.log("Two");
  });
}

export function oneAfterTheOther(): void {
  const started = performance.now();
  const counter = new BlockingCounter();
  for (let i = 0; i < 3; i++) counter.count();
  console.log(`blocking: ${seconds(performance.now() - started)} s`);
}

export async function together(): Promise<void> {
  const loop = getRunningLoop();
  const started = loop.time();
  const counter = new Counter();
  await gather(counter.count(), counter.count(), counter.count());
  console.log(`coroutines: ${seconds(loop.time() - started)} s`);
}

/** Stops everything in this thread, as Python's time.sleep does. */
function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(2);
}

if (import.meta.main) {
  oneAfterTheOther();
  await run(together);
}
