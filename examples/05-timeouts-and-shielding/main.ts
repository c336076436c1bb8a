// What happens when time is over: the work is cancelled and cleans up (1), goes on without us (2), is replaced by
// something else (3), or gets more time while it makes progress (4).
import {
  createTask,
  getRunningLoop,
  moveOnAfter,
  run,
  shield,
  sleep,
  TimeoutError,
  timeout,
  uncancellable,
} from "brio";

/** Cancelled in the middle, it still says goodbye to the server. */
async function query(): Promise<string> {
  try {
    return await sleep("1h", "the rows");
  } finally {
    // A wait in a cancelled scope is refused; clean-up that has to wait is wrapped, and has five seconds.
    await uncancellable(() => sleep("20ms"));
    console.log("   the query has closed its connection");
  }
}

/** Must not be stopped half-way: whoever waits for it can be. */
async function save(): Promise<string> {
  await sleep("80ms");
  return "saved";
}

async function download(limit: { reschedule(when: number): void }): Promise<number> {
  const loop = getRunningLoop();
  let chunks = 0;
  for (; chunks < 4; chunks++) {
    await sleep("30ms");
    limit.reschedule(loop.time() + 50); // something arrived: 50 ms from now for the next
  }
  return chunks;
}

export async function main(): Promise<void> {
  console.log("1. a timeout cancels the work, and waits for its clean-up");
  console.log(`   ${await orGiveUp(() => timeout("50ms", query))}`);

  console.log("2. a shield: the waiting ends, the work goes on");
  const saving = createTask(save, { name: "save" });
  console.log(`   ${await orGiveUp(() => timeout("50ms", () => shield(saving)))}`);
  console.log(`   a little later: ${await saving}`);

  console.log("3. no answer in time is an answer as well");
  const price = await moveOnAfter("50ms", () => sleep("1h", "from the shop"));
  console.log(`   price: ${price ?? "from the cache"}`);

  console.log("4. a deadline that moves on: for work that must not stall, however long it takes");
  console.log(`   ${await timeout("50ms", download)} chunks in more than 50 ms`);
}

async function orGiveUp(work: () => Promise<string>): Promise<string> {
  const loop = getRunningLoop();
  const started = loop.time();
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    return `gave up after ${Math.round(loop.time() - started)} ms`;
  }
}

if (import.meta.main) await run(main);
