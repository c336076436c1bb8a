/** The objects of a scenario: made before main starts, looked up by kind, inspected at the end. */
import type { Future } from "brio";
import {
  Barrier,
  BoundedSemaphore,
  Condition,
  Event,
  getRunningLoop,
  LifoQueue,
  Lock,
  PriorityQueue,
  Queue,
  Semaphore,
} from "brio";
import { MalformedScenario } from "./fields.ts";
import type { ObjectSpec, Scenario } from "./scenario.ts";
import { format } from "./values.ts";

/** What the language's kinds of objects are in brio. */
export interface ObjectKinds {
  lock: Lock;
  semaphore: Semaphore | BoundedSemaphore;
  event: Event;
  condition: Condition;
  barrier: Barrier;
  queue: Queue<unknown>;
  future: Future<unknown>;
}
export type Kind = keyof ObjectKinds;
interface EntryOf<K extends Kind> {
  readonly kind: K;
  readonly made: ObjectKinds[K];
}
type Entry = { [K in Kind]: EntryOf<K> }[Kind];

export class ObjectTable {
  readonly #entries: Map<string, Entry> = new Map();

  /** Makes the objects, in order. Call it inside the loop. */
  constructor(specs: Scenario["objects"]) {
    for (const [name, spec] of specs) this.#entries.set(name, this.#make(spec));
  }

  #make(spec: ObjectSpec): Entry {
    switch (spec.type) {
      case "lock":
        return { kind: "lock", made: new Lock() };
      case "semaphore":
        return { kind: "semaphore", made: new Semaphore(spec.value) };
      case "bounded_semaphore":
        return { kind: "semaphore", made: new BoundedSemaphore(spec.value) };
      case "event":
        return { kind: "event", made: new Event() };
      case "condition":
        return { kind: "condition", made: new Condition(this.#lockOf(spec.lock)) };
      case "barrier":
        return { kind: "barrier", made: new Barrier(spec.parties) };
      case "queue":
        return { kind: "queue", made: new Queue(spec.maxsize) };
      case "priority_queue":
        return { kind: "queue", made: new PriorityQueue<unknown>(spec.maxsize) };
      case "lifo_queue":
        return { kind: "queue", made: new LifoQueue(spec.maxsize) };
      case "future":
        return { kind: "future", made: getRunningLoop().createFuture() };
    }
  }

  #lockOf(name: string | null): Lock | undefined {
    if (name === null) return undefined;
    const lock = this.find("lock", name);
    if (lock === null)
      throw new MalformedScenario(`a condition names ${JSON.stringify(name)}, which is no lock before it`);
    return lock;
  }

  find<K extends Kind>(kind: K, name: string): ObjectKinds[K] | null {
    const entry = this.#entries.get(name);
    return entry !== undefined && isKind(entry, kind) ? entry.made : null;
  }

  /** Whatever has `acquire`, `release` and `locked`. */
  findAcquirable(name: string): Lock | Semaphore | Condition | null {
    return this.find("lock", name) ?? this.find("semaphore", name) ?? this.find("condition", name);
  }

  /** The names of all objects, in order. */
  names(): Iterable<string> {
    return this.#entries.keys();
  }

  *futures(): Iterable<[string, Future<unknown>]> {
    for (const [name, entry] of this.#entries) if (entry.kind === "future") yield [name, entry.made];
  }

  /** What the trace says of an object when all is over. `stateOf` shows a future. */
  async finalState(name: string, stateOf: (future: Future<unknown>) => string): Promise<string> {
    const entry = this.#entries.get(name);
    switch (entry?.kind) {
      case undefined:
        return "";
      case "lock":
      case "condition":
        return `locked=${format(entry.made.locked())}`;
      case "semaphore":
        return `value=${await permits(entry.made)}`;
      case "event":
        return `set=${format(entry.made.isSet())}`;
      case "barrier":
        return `waiting=${entry.made.nWaiting} broken=${format(entry.made.broken)}`;
      case "future":
        return stateOf(entry.made);
      case "queue":
        return `size=${entry.made.qsize()} unfinished=${unfinished(entry.made)}`;
    }
  }
}

function isKind<K extends Kind>(entry: Entry, kind: K): entry is Entry & EntryOf<K> {
  return entry.kind === kind;
}

/** How many times it can be acquired until it is locked. */
async function permits(semaphore: Semaphore): Promise<number> {
  let n = 0;
  while (!semaphore.locked() && n < 99) {
    await semaphore.acquire();
    n += 1;
  }
  return n;
}

/** How many `taskDone()` it still takes. */
function unfinished(queue: Queue<unknown>): number {
  let n = 0;
  try {
    while (n < 999) {
      queue.taskDone();
      n += 1;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return n;
}
