import { Pool, type Poolable, PoolError, type PoolOptions } from "@brio/sql";
import { CancelledError, createTask, run, sleep } from "brio";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";

leavesNothing();

class Fake implements Poolable {
  usable = true;
  alive = true;
  checks = 0;
  readonly id: number;
  private readonly events: string[];

  constructor(id: number, events: string[]) {
    this.id = id;
    this.events = events;
  }

  async check(): Promise<void> {
    this.checks++;
    if (!this.alive) throw new Error("it doesn't answer");
  }

  async close(): Promise<void> {
    this.events.push(`close ${this.id}`);
  }

  destroy(): void {
    this.events.push(`destroy ${this.id}`);
  }
}

interface World {
  readonly pool: Pool<Fake>;
  readonly events: string[];
  readonly all: Fake[];
}

async function world(options: PoolOptions, body: (world: World) => Promise<void>): Promise<void> {
  await run(async () => {
    const events: string[] = [];
    const all: Fake[] = [];
    const make = async (): Promise<Fake> => {
      await sleep(0);
      const fake = new Fake(all.length + 1, events);
      all.push(fake);
      events.push(`make ${fake.id}`);
      return fake;
    };
    await using pool = new Pool(make, options);
    await body({ pool, events, all });
  });
}

test("those who wait are served in their order, with what comes back", () =>
  world({ max: 2 }, async ({ pool, events }) => {
    const [a, b] = [await pool.acquire(), await pool.acquire()];
    const waiters = ["first", "second", "third"].map((name) =>
      createTask(() => pool.use(({ id }) => void events.push(`${name} has ${id}`))),
    );
    await sleep(0);
    expect(pool.statistics()).toMatchObject({ size: 2, inUse: 2, waiting: 3, idle: 0 });
    pool.release(b);
    await waiters[2];
    pool.release(a);
    expect(events).toEqual(["make 1", "make 2", "first has 2", "second has 2", "third has 2"]);
    expect(pool.statistics()).toMatchObject({ size: 2, idle: 2, inUse: 0, waiting: 0, made: 2 });
  }));

test("a wait that is cancelled takes nothing, whether it has been granted or not", () =>
  world({ max: 1 }, async ({ pool }) => {
    const held = await pool.acquire();
    const waiter = createTask(() => pool.acquire());
    const next = createTask(() => pool.use(({ id }) => id));
    await sleep(0);
    pool.release(held);
    waiter.cancel();
    await expect(waiter).rejects.toThrow(CancelledError);
    expect(await next).toBe(1);
    expect(pool.statistics()).toMatchObject({ size: 1, inUse: 0, waiting: 0 });
  }));

test("nobody waits longer than acquireTimeout, nor in a line longer than maxWaiting", () =>
  world({ max: 1, acquireTimeout: 5, maxWaiting: 1 }, async ({ pool }) => {
    await pool.use(async () => {
      const waiter = createTask(() => pool.acquire());
      await sleep(0);
      const refused = await pool.acquire().catch((error) => error);
      expect(refused).toBeInstanceOf(PoolError);
      expect(refused.reason).toBe("too many waiting");
      await expect(waiter).rejects.toMatchObject({
        reason: "time-out",
        message: "no connection came back within 5 ms: all 1 are in use, and 0 other tasks wait",
      });
    });
    expect(pool.statistics()).toMatchObject({ timeouts: 1, inUse: 0, waiting: 0, idle: 1 });
  }));

test("what is broken is thrown away when it comes back, and what doesn't answer when it is to be given out", () =>
  world({ max: 1, checkAfter: 0 }, async ({ pool, events, all }) => {
    await pool.use((connection) => {
      connection.usable = false;
    });
    await pool.use(() => {});
    expect(events).toEqual(["make 1", "destroy 1", "make 2"]);
    await pool.use(() => {});
    expect(all[1]?.checks).toBe(1);
    (all[1] as Fake).alive = false;
    expect(await pool.use(({ id }) => id)).toBe(3);
    expect(events).toEqual(["make 1", "destroy 1", "make 2", "destroy 2", "make 3"]);
    expect(pool.statistics()).toMatchObject({ made: 3, discarded: 2, size: 1 });
  }));

test("a connection that can't be made is an error, and its place is free again", () =>
  run(async () => {
    let fail = true;
    await using pool = new Pool(
      async () => {
        if (fail) throw new Error("refused");
        return new Fake(1, []);
      },
      { max: 1 },
    );
    await expect(pool.acquire()).rejects.toThrow("refused");
    await expect(pool.acquire()).rejects.toThrow("refused");
    fail = false;
    expect(await pool.use(({ id }) => id)).toBe(1);
  }));

test("min connections are made as soon as there is one, and again when one is lost", () =>
  world({ max: 3, min: 2 }, async ({ pool, events }) => {
    await pool.use(() => {});
    while (pool.statistics().idle < 2) await sleep(0);
    await pool.use((connection) => {
      connection.usable = false;
    });
    while (pool.statistics().idle < 2) await sleep(0);
    expect(events.filter((event) => event.startsWith("make"))).toHaveLength(3);
    expect(pool.statistics().size).toBe(2);
  }));

test("what nobody needs is closed after idleTimeout, but for min; what is old, when it comes back", async () => {
  await world({ max: 3, min: 1, idleTimeout: 1, checkAfter: null }, async ({ pool, events }) => {
    const three = [await pool.acquire(), await pool.acquire(), await pool.acquire()];
    for (const connection of three) pool.release(connection);
    while (pool.statistics().size > 1) await sleep(1);
    expect(events.slice(3)).toEqual(["close 1", "close 2"]);
    expect(pool.statistics()).toMatchObject({ closed: 2, discarded: 0, idle: 1 });
  });
  await world({ max: 1, maxLifetime: 0 }, async ({ pool, events }) => {
    await pool.use(() => {});
    await pool.use(() => {});
    expect(events).toEqual(["make 1", "close 1", "make 2", "close 2"]);
  });
});

test("close waits for what is in use, refuses the rest, and closes all", () =>
  world({ max: 1 }, async ({ pool, events }) => {
    const held = await pool.acquire();
    const waiter = createTask(() => pool.acquire());
    await sleep(0);
    const closing = createTask(() => pool.close());
    await sleep(0);
    expect(closing.done()).toBe(false);
    await expect(pool.acquire()).rejects.toMatchObject({ reason: "closed" });
    pool.release(held);
    await expect(waiter).rejects.toMatchObject({ reason: "closed" });
    await closing;
    expect(events).toEqual(["make 1", "close 1"]);
    expect(() => pool.release(held)).toThrow(/takes what pool\.acquire\(\) gave, once/);
  }));

test("options that make no sense are refused by name", () => {
  const make = async (): Promise<Fake> => new Fake(1, []);
  expect(() => new Pool(make, { max: 0 })).toThrow(/max must be an integer >= 1.*got 0/);
  expect(() => new Pool(make, { max: 1, min: 2 })).toThrow(/min must not be greater than max/);
  expect(() => new Pool(make, { maxWaiting: -1 })).toThrow(/maxWaiting must be/);
  expect(() => new Pool(make, { idleTimeout: "1 fortnight" as never })).toThrow(
    /idleTimeout is not a duration/,
  );
});
