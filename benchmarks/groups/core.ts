/** What brio itself costs: tasks, waits, cancellation, memory, start. */
import { type PeerName, runtimes, smallPackages } from "../harness/peers.ts";
import type { Load, Row } from "../harness/row.ts";

const all: readonly PeerName[] = ["brio", ...runtimes];
const without = (...names: readonly PeerName[]): PeerName[] => all.filter((peer) => !names.includes(peer));
const packages: readonly PeerName[] = ["brio", "effect", "effection", ...smallPackages];

interface CoreRow {
  readonly title: string;
  readonly load: Load;
  readonly grown: (size: number) => Load;
  readonly peers: readonly PeerName[];
  readonly quadratic?: readonly PeerName[];
}

/** Rows grow either by more that is alive at once, or by more that is done in turn. */
const moreTasks =
  (turns: number) =>
  (tasks: number): Load => ({ tasks, turns });
const moreTurns = (turns: number): Load => ({ tasks: 1, turns });

const timed: Readonly<Record<string, CoreRow>> = {
  "spawn-join": {
    title: "spawn 1,000 tasks at a time and gather their results, per task",
    load: { tasks: 1000, turns: 1 },
    grown: moreTasks(1),
    peers: all,
  },
  "create-await": {
    title: "create one task and await it",
    load: { tasks: 1, turns: 500 },
    grown: moreTurns,
    peers: all,
  },
  "switch-1": {
    title: "let the others run (`sleep(0)`), one task",
    load: { tasks: 1, turns: 1000 },
    grown: moreTurns,
    peers: all,
  },
  "switch-1000": {
    title: "let the others run (`sleep(0)`), 1,000 tasks",
    load: { tasks: 1000, turns: 10 },
    grown: moreTasks(10),
    peers: all,
  },
  "queue-1": {
    title: "queue of 1, one producer and one consumer, per item",
    load: { tasks: 1, turns: 2000 },
    grown: moreTurns,
    peers: without("native", "effection"),
  },
  "queue-100": {
    title: "queue of 100, one producer and one consumer, per item",
    load: { tasks: 1, turns: 4000 },
    grown: moreTurns,
    peers: without("native", "effection"),
  },
  "queue-8x8": {
    title: "queue of 100, 8 producers and 8 consumers, per item",
    load: { tasks: 1, turns: 4000 },
    grown: moreTurns,
    peers: without("native", "effection"),
  },
  lock: {
    title: "lock that 100 tasks contend for, per hand-over",
    load: { tasks: 100, turns: 20 },
    grown: moreTasks(10),
    peers: [...without("effection"), ...smallPackages],
  },
  semaphore: {
    title: "semaphore of 10 that 100 tasks contend for, per hand-over",
    load: { tasks: 100, turns: 20 },
    grown: moreTasks(10),
    peers: [...without("native", "effection"), ...smallPackages],
  },
  "event-1000": {
    title: "event that 1,000 tasks wait for, per wake-up",
    load: { tasks: 1000, turns: 10 },
    grown: moreTasks(10),
    peers: all,
  },
  "timeout-done": {
    title: "time limit around work that is done at once",
    load: { tasks: 1, turns: 500 },
    grown: moreTurns,
    peers: all,
  },
  "cancel-join": {
    title: "spawn a task that sleeps, cancel it, join it",
    load: { tasks: 1, turns: 200 },
    grown: moreTasks(1),
    peers: all,
  },
  "group-fail": {
    title: "group of 100 tasks of which one fails, per task",
    load: { tasks: 100, turns: 2 },
    grown: moreTasks(1),
    peers: all,
    quadratic: ["native"], // a signal forgets its listeners one by one, and looks for each among all
  },
  "context-read": {
    title: "read a context variable",
    load: { tasks: 1, turns: 10_000 },
    grown: moreTurns,
    peers: all,
  },
};

const group = "core";
const better = "lower";
const nothing: Load = { tasks: 1, turns: 1 };

const timeRows = Object.entries(timed).map(
  ([name, row]): Row => ({ name, group, ...row, measure: "time", unit: "ns", better }),
);

export const core: readonly Row[] = [
  ...timeRows,
  {
    name: "timers-100k",
    group,
    title: "100,000 tasks that sleep up to 1 s, CPU time",
    measure: "cpu",
    unit: "ms",
    better,
    load: { tasks: 100_000, turns: 1 },
    grown: moreTasks(1),
    peers: without("effection"),
    slow: ["trio"],
  },
  {
    name: "heap-sleeper",
    group,
    title: "heap per sleeping task",
    measure: "heap",
    unit: "B",
    better,
    load: { tasks: 10_000, turns: 1 },
    grown: moreTasks(1),
    peers: all,
    slow: ["effection"],
  },
  {
    name: "heap-queue-waiter",
    group,
    title: "heap per task that waits for a queue",
    measure: "heap",
    unit: "B",
    better,
    load: { tasks: 10_000, turns: 1 },
    grown: moreTasks(1),
    peers: all,
    slow: ["effection"],
  },
  {
    name: "import",
    group,
    title: "time to import it",
    measure: "import",
    unit: "ms",
    better,
    load: nothing,
    peers: [...without("native"), ...smallPackages],
  },
  {
    name: "size",
    group,
    title: "size of what an import of it needs, gzipped",
    measure: "packed",
    unit: "B",
    better,
    load: nothing,
    peers: packages,
  },
  {
    name: "size-installed",
    group,
    title: "size of its packages, installed",
    measure: "installed",
    unit: "B",
    better,
    load: nothing,
    peers: packages,
  },
];
