import { Condition, Lock, Semaphore, sleep, TimeoutError, taskGroup, timeout, uncancellable } from "brio";
import type { Trial } from "brio/testing";
import { describe, expect, it } from "vitest";
import { everywhere, Ledger } from "./everywhere.ts";

/** A bounded buffer as textbooks build it: one lock, two conditions. */
class Buffer<T> {
  private readonly lock = new Lock();
  private readonly notFull = new Condition(this.lock);
  private readonly notEmpty = new Condition(this.lock);
  private readonly size: number;
  readonly items: T[] = [];

  constructor(size: number, trial: Trial) {
    this.size = size;
    for (const part of [this.lock, this.notFull, this.notEmpty]) trial.watch(part);
  }

  async put(item: T): Promise<void> {
    await using _ = await this.lock.acquire();
    await this.notFull.waitFor(() => this.items.length < this.size);
    this.items.push(item);
    this.notEmpty.notify();
  }

  async get(): Promise<T> {
    await using _ = await this.lock.acquire();
    await this.notEmpty.waitFor(() => this.items.length > 0);
    this.notFull.notify();
    return this.items.shift() as T; // there is one
  }
}

/** Many readers or one writer; writers first. */
class ReadWriteLock {
  private readonly changed: Condition;
  private readers = 0;
  private writing = false;
  private writersWaiting = 0;

  constructor(trial: Trial) {
    this.changed = trial.watch(new Condition());
  }

  get free(): boolean {
    return this.readers === 0 && !this.writing && this.writersWaiting === 0;
  }

  async read(fn: () => Promise<unknown>): Promise<void> {
    await this.changed.with(async () => {
      await this.changed.waitFor(() => !this.writing && this.writersWaiting === 0);
      this.readers++;
    });
    try {
      await fn();
    } finally {
      await this.change(() => this.readers--);
    }
  }

  async write(fn: () => Promise<unknown>): Promise<void> {
    await this.changed.with(async () => {
      this.writersWaiting++;
      try {
        await this.changed.waitFor(() => !this.writing && this.readers === 0);
        this.writing = true;
      } finally {
        this.writersWaiting--;
        this.changed.notifyAll();
      }
    });
    try {
      await fn();
    } finally {
      await this.change(() => {
        this.writing = false;
      });
    }
  }

  private change(fn: () => void): Promise<void> {
    return uncancellable(() =>
      this.changed.with(() => {
        fn();
        this.changed.notifyAll();
      }),
    );
  }
}

/** Connections that are lent one at a time, opened when needed, and closed when they were in use as things went wrong. */
class Pool {
  readonly open = new Set<number>();
  readonly free: number[] = [];
  private readonly slots: Semaphore;
  private next = 1;

  constructor(size: number, trial: Trial) {
    this.slots = trial.watch(new Semaphore(size));
  }

  async use<T>(fn: (connection: number) => Promise<T>): Promise<T> {
    await using _ = await this.slots.acquire();
    const connection = this.free.pop() ?? (await this.connect());
    try {
      const value = await fn(connection);
      this.free.push(connection);
      return value;
    } catch (error) {
      await uncancellable(() => this.close(connection));
      throw error;
    }
  }

  private async connect(): Promise<number> {
    const connection = this.next++;
    await sleep("1ms");
    this.open.add(connection);
    return connection;
  }

  private async close(connection: number): Promise<void> {
    await sleep("1ms");
    this.open.delete(connection);
  }
}

describe("what users build from primitives, cancelled anywhere", () => {
  it("a bounded buffer loses and doubles nothing, and wakes whoever can go on", async () => {
    await everywhere(async (trial) => {
      const buffer = new Buffer<number>(1, trial);
      const ledger = new Ledger<number>();
      trial.check(({ struck }) => {
        ledger.balance(buffer.items);
        if (struck.length === 0) expect(ledger.count).toEqual({ put: 4, got: 4 });
      });
      await taskGroup(async (group) => {
        for (const first of [0, 10]) {
          group.createTask(async () => {
            for (let i = 0; i < 2; i++) await ledger.putting(first + i, (item) => buffer.put(item));
          });
          group.createTask(async () => {
            for (let i = 0; i < 2; i++) await ledger.getting(() => buffer.get());
          });
        }
        await sleep("1ms");
        for (const task of group.tasks) task.cancel();
      });
    });
  });

  it("a bounded buffer hands a notification on that a cancelled getter has eaten", async () => {
    await everywhere(async (trial) => {
      const buffer = new Buffer<number>(5, trial);
      const ledger = new Ledger<number>();
      trial.check(({ struck }) => {
        ledger.balance(buffer.items);
        if (!struck.includes("main") && !struck.includes("body")) expect(buffer.items).toEqual([]);
      });
      await taskGroup(async (group) => {
        for (let i = 0; i < 3; i++) group.createTask(() => ledger.getting(() => buffer.get()));
        await sleep("1ms");
        await ledger.putting(1, (item) => buffer.put(item));
        await ledger.putting(2, (item) => buffer.put(item));
        await sleep("1ms");
        for (const task of group.tasks) task.cancel();
      });
    });
  });

  it("a read-write lock never has a writer beside anybody, and is free in the end", async () => {
    await everywhere(async (trial) => {
      const lock = new ReadWriteLock(trial);
      let readers = 0;
      let writers = 0;
      trial.check(() => expect(lock.free).toBe(true));
      const read = () =>
        lock.read(async () => {
          readers++;
          try {
            expect(writers).toBe(0);
            await sleep("1ms");
            expect(writers).toBe(0);
          } finally {
            readers--;
          }
        });
      const write = () =>
        lock.write(async () => {
          writers++;
          try {
            expect([readers, writers]).toEqual([0, 1]);
            await sleep("1ms");
            expect([readers, writers]).toEqual([0, 1]);
          } finally {
            writers--;
          }
        });
      await taskGroup((group) => {
        for (const use of [read, write, read, write]) group.createTask(use);
      });
    });
  });

  it("a pool has each connection back, or has closed it", async () => {
    await everywhere(
      async (trial) => {
        const pool = new Pool(2, trial);
        trial.check(() => {
          expect([...pool.free].sort()).toEqual([...pool.open].sort());
          expect(pool.open.size).toBeLessThanOrEqual(2);
        });
        const inUse = new Set<number>();
        const query = (ms: number) => () =>
          pool.use(async (connection) => {
            expect(inUse.has(connection)).toBe(false);
            inUse.add(connection);
            try {
              await timeout("3ms", () => sleep(ms));
            } catch (error) {
              if (!(error instanceof TimeoutError)) throw error;
            } finally {
              inUse.delete(connection);
            }
          });
        await taskGroup((group) => {
          for (const ms of [1, 10, 2, 1]) group.createTask(query(ms));
        });
      },
      { endsWithin: 1 },
    );
  });
});
