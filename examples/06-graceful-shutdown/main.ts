// A shop that is told to close: SIGTERM or SIGINT (Ctrl-C) ends it without losing an order. No new ones are taken,
// what is in hand is packed, and what was not begun is written to a file, from which the next start goes on. The exit
// code is 143 or 130, as for any program that a signal ended; a second signal ends it on the spot.
import { readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkpoint, getRunningLoop, interval, Queue, run, sleep, taskGroup, uncancellable } from "brio";

async function takeOrders(orders: Queue<number>, first: number): Promise<void> {
  for await (const tick of interval("40ms")) {
    const order = first + tick;
    await orders.put(order); // cancelled here, the order was not taken
    console.log(`order ${order} taken`);
  }
}

async function pack(packer: string, orders: Queue<number>): Promise<void> {
  for await (const order of orders) {
    // Begun is begun: the cancellation waits until the parcel is closed.
    await uncancellable(() => sleep("200ms"));
    console.log(`order ${order} packed by ${packer}`);
    await checkpoint(); // closing time? With more orders at hand, the next get() has nothing to wait for, and won't say.
  }
}

export async function main(backlogFile: string): Promise<void> {
  const orders = new Queue<number>(10);
  const backlog = await readBacklog(backlogFile);
  for (const order of backlog) orders.putNowait(order);
  if (backlog.length > 0) console.log(`orders ${backlog.join(", ")} were left from last time`);

  getRunningLoop().addSignalHandler("SIGHUP", () => console.log(`${orders.qsize()} orders are waiting`));
  try {
    await taskGroup((group) => {
      for (const packer of ["Ann", "Bob"]) group.createTask(() => pack(packer, orders), { name: packer });
      group.createTask(() => takeOrders(orders, Math.max(0, ...backlog) + 1), { name: "counter" });
      console.log(
        `the shop is open; close it with Ctrl-C or kill ${process.pid}, ask with kill -HUP ${process.pid}`,
      );
    });
  } finally {
    // The group has ended, and so has everything in it: nobody touches the queue any more.
    const left: number[] = [];
    while (!orders.empty()) left.push(orders.getNowait());
    await writeFile(backlogFile, JSON.stringify(left));
    console.log(left.length > 0 ? `orders ${left.join(", ")} are left for next time` : "no order is left");
  }
}

async function readBacklog(file: string): Promise<number[]> {
  try {
    const backlog: number[] = JSON.parse(await readFile(file, "utf8"));
    await rm(file);
    return backlog;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return []; // readFile throws these
    throw error;
  }
}

if (import.meta.main) await run(() => main(process.argv[2] ?? join(tmpdir(), "brio-orders.json")));
