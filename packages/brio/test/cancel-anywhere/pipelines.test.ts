import {
  CancelledError,
  createTask,
  Event,
  type Future,
  gather,
  getRunningLoop,
  Lock,
  Queue,
  QueueShutDown,
  RateLimiter,
  Semaphore,
  sleep,
  TimeoutError,
  taskGroup,
  timeout,
} from "brio";
import { describe, expect, it } from "vitest";
import { everywhere, Ledger, Room } from "./everywhere.ts";

function rest<T>(queue: Queue<T>): T[] {
  const items: T[] = [];
  while (!queue.empty()) items.push(queue.getNowait());
  return items;
}

describe("pipelines, cancelled anywhere", () => {
  it("downloads with a queue, workers, a semaphore, and a timeout for each", async () => {
    await everywhere(
      async (trial) => {
        const urls = trial.watch(new Queue<number>(2));
        const slots = trial.watch(new Semaphore(2));
        const room = new Room(2);
        const ledger = new Ledger<number>();
        const ends = new Map<number, string>();
        trial.check(({ struck }) => {
          ledger.balance(rest(urls));
          expect(ends.size).toBe(ledger.count.got);
          if (struck.length === 0) {
            expect([...ends].sort()).toEqual([
              [0, "done"],
              [1, "too slow"],
              [2, "done"],
              [3, "too slow"],
            ]);
          }
        });
        const download = async (url: number) => {
          try {
            await timeout("3ms", () =>
              slots.with(() => room.enter(() => sleep(url % 2 === 0 ? "1ms" : "1h"))),
            );
            ends.set(url, "done");
          } catch (error) {
            ends.set(url, error instanceof TimeoutError ? "too slow" : (error as Error).name);
            if (!(error instanceof TimeoutError)) throw error;
          }
        };
        const worker = async () => {
          for (;;) {
            let url: number;
            try {
              url = await ledger.getting(() => urls.get());
            } catch (error) {
              if (error instanceof QueueShutDown) return;
              throw error;
            }
            await download(url);
          }
        };
        await timeout("1h", () =>
          taskGroup(async (group) => {
            for (let i = 0; i < 3; i++) group.createTask(worker);
            try {
              for (let url = 0; url < 4; url++) await ledger.putting(url, (one) => urls.put(one));
            } finally {
              urls.shutdown();
            }
          }),
        );
      },
      { structured: true },
    );
  });

  it("hands items through three stages, each shutting the next one down", async () => {
    await everywhere(async (trial) => {
      const first = trial.watch(new Queue<number>(1));
      const second = trial.watch(new Queue<number>(1));
      const made = new Ledger<number>();
      const passed = new Ledger<number>();
      const out: number[] = [];
      trial.check(({ struck }) => {
        made.balance(rest(first));
        passed.balance(rest(second));
        expect(out).toEqual([...out].sort());
        if (struck.length === 0) expect(out).toEqual([0, 10, 20]);
      });
      await taskGroup((group) => {
        group
          .createTask(
            async () => {
              try {
                for (let i = 0; i < 3; i++) await made.putting(i, (item) => first.put(item));
              } catch (error) {
                if (!(error instanceof QueueShutDown)) throw error;
              }
            },
            { name: "source" },
          )
          .addDoneCallback(() => first.shutdown());
        group
          .createTask(
            async () => {
              try {
                for (;;) {
                  const item = await made.getting(() => first.get());
                  await passed.putting(item * 10, (one) => second.put(one));
                }
              } catch (error) {
                if (!(error instanceof QueueShutDown)) throw error;
              }
            },
            { name: "stage" },
          )
          .addDoneCallback(() => {
            first.shutdown();
            second.shutdown();
          });
        group
          .createTask(
            async () => {
              try {
                for (;;) {
                  out.push(await passed.getting(() => second.get()));
                  await sleep("1ms");
                }
              } catch (error) {
                if (!(error instanceof QueueShutDown)) throw error;
              }
            },
            { name: "sink" },
          )
          .addDoneCallback(() => second.shutdown());
      });
    });
  });

  it("runs jobs in a pool of workers, and gives every caller an answer", async () => {
    await everywhere(async (trial) => {
      const jobs = trial.watch(new Queue<{ n: number; answer: Future<number> }>(1));
      const answers: Future<number>[] = [];
      trial.check(() => {
        // A caller who gave up has cancelled his future; nobody else's may stay open, but of jobs that nobody took.
        const open = rest(jobs).length;
        expect(answers.filter((answer) => !answer.done()).length).toBeLessThanOrEqual(open);
      });
      const submit = async (n: number) => {
        const answer = getRunningLoop().createFuture<number>();
        answers.push(answer);
        try {
          await jobs.put({ n, answer });
          return await answer;
        } finally {
          answer.cancel();
        }
      };
      const worker = async () => {
        for (;;) {
          const { n, answer } = await jobs.get();
          try {
            await sleep("1ms");
            if (!answer.done()) answer.setResult(n * n);
          } finally {
            answer.cancel();
          }
        }
      };
      await taskGroup(async (group) => {
        // Two, as one may be cancelled.
        const workers = [group.createTask(worker), group.createTask(worker)];
        const results = await gather([() => submit(1), () => submit(2), () => submit(3)], {
          returnExceptions: true,
        });
        for (const [at, result] of results.entries()) {
          expect(result instanceof CancelledError || result === (at + 1) ** 2).toBe(true);
        }
        for (const task of workers) task.cancel();
      });
    });
  });

  it("nests groups with timeouts of their own around shared locks", async () => {
    await everywhere(
      async (trial) => {
        const lock = trial.watch(new Lock());
        const slots = trial.watch(new Semaphore(1));
        const room = new Room(1);
        const patient = (ms: number) => async () => {
          try {
            await timeout(ms, async () => {
              await using _ = await slots.acquire();
              await taskGroup((group) => {
                for (let i = 0; i < 2; i++) {
                  group.createTask(async () => {
                    await using _held = await lock.acquire();
                    await room.enter(() => sleep("2ms"));
                  });
                }
              });
            });
          } catch (error) {
            if (!(error instanceof TimeoutError)) throw error;
          }
        };
        await taskGroup((group) => {
          group.createTask(patient(3));
          group.createTask(patient(6));
          group.createTask(patient(100));
        });
        expect([lock.locked(), slots.locked()]).toEqual([false, false]);
      },
      { structured: true },
    );
  });

  it("spreads requests by a rate limiter and a semaphore, and stops all when the event comes", async () => {
    await everywhere(
      async (trial) => {
        const limiter = trial.watch(new RateLimiter({ limit: 1, per: "2ms", burst: 1 }));
        const slots = trial.watch(new Semaphore(2));
        const stop = trial.watch(new Event());
        const room = new Room(2);
        const request = (n: number) => () =>
          slots.with(async () => {
            await limiter.acquire();
            await room.enter(() => sleep(`${n}ms`));
          });
        await taskGroup(async (group) => {
          const requests = [3, 1, 2, 50].map((n) => group.createTask(request(n)));
          const alarm = group.createTask(async () => {
            await sleep("12ms");
            stop.set();
          });
          alarm.addDoneCallback(() => stop.set());
          await stop.wait();
          for (const task of requests) task.cancel();
        });
      },
      { structured: true },
    );
  });

  it("prefetches into a bounded buffer while the reader is slow, and stops with the reader", async () => {
    await everywhere(
      async (trial) => {
        const buffer = trial.watch(new Queue<number>(2));
        const ledger = new Ledger<number>();
        trial.check(() => ledger.balance(rest(buffer)));
        const fetching = createTask(async () => {
          for (let i = 0; ; i++) {
            await sleep("1ms");
            await ledger.putting(i, (item) => buffer.put(item));
          }
        });
        fetching.addDoneCallback(() => buffer.shutdown());
        try {
          for (let i = 0; i < 3; i++) {
            await ledger.getting(() => buffer.get());
            await sleep("2ms");
          }
        } catch (error) {
          if (!(error instanceof QueueShutDown)) throw error;
        } finally {
          await fetching[Symbol.asyncDispose]();
        }
      },
      { structured: true },
    );
  });
});
