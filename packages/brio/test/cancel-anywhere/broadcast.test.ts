import { Broadcast, QueueShutDown, sleep, taskGroup } from "brio";
import { describe, expect, it } from "vitest";
import { everywhere } from "./everywhere.ts";

describe("Broadcast, cancelled anywhere", () => {
  it("gives each subscriber all that was published while it read, in order, when publishers wait", async () => {
    await everywhere(
      async (trial) => {
        const news = trial.watch(new Broadcast<number>({ capacity: 1, lag: "block" }));
        const published: number[] = [];
        const got = new Map<string, number[]>();
        trial.check(({ struck }) => {
          expect(news.statistics().subscribers).toBe(0);
          for (const [name, items] of got) {
            expect(items).toEqual(published.slice(0, items.length));
            const cut = struck.some((victim) => [name, "main", "body"].includes(victim));
            if (!cut) expect(items).toEqual(published);
          }
        });
        await taskGroup(async (group) => {
          for (const name of ["a", "b"]) {
            const items: number[] = [];
            got.set(name, items);
            const subscription = news.subscribe();
            const reader = group.createTask(
              async () => {
                for await (const item of subscription) {
                  items.push(item);
                  await sleep(name === "a" ? "1ms" : 0);
                }
              },
              { name },
            );
            // Cancelled before it begins, it can't close the subscription itself.
            reader.addDoneCallback(() => subscription.close());
          }
          try {
            for (let i = 0; i < 3; i++) {
              await news.publish(i);
              published.push(i);
            }
          } finally {
            news.close();
          }
        });
      },
      { structured: true },
    );
  });

  it("lets the next publisher in when one that was woken is cancelled", async () => {
    await everywhere(async (trial) => {
      const news = trial.watch(new Broadcast<string>({ capacity: 1, lag: "block" }));
      const published: string[] = [];
      const got: string[] = [];
      trial.check(({ struck }) => {
        if (struck.length > 0 && struck[0] !== "a" && struck[0] !== "b") return;
        expect(got).toEqual(published);
        expect(published).toHaveLength(3 - struck.filter((name) => !published.includes(name)).length);
      });
      using subscription = news.subscribe();
      await taskGroup(async (group) => {
        await news.publish("first");
        published.push("first");
        for (const name of ["a", "b"]) {
          group.createTask(
            async () => {
              await news.publish(name);
              published.push(name);
            },
            { name },
          );
        }
        await sleep("1ms");
        got.push(await subscription.get());
        await sleep("1ms");
        while (news.statistics().size > 0) {
          got.push(await subscription.get());
          await sleep("1ms");
        }
      });
    });
  });

  it("loses nothing in a get that is cancelled", async () => {
    await everywhere(async (trial) => {
      const news = trial.watch(new Broadcast<number>({ capacity: 8 }));
      const got: number[] = [];
      let ended = false;
      trial.check(({ struck }) => {
        if (struck.every((name) => name === "reader")) expect(got).toEqual([0, 1, 2]);
        expect(ended || struck.length > 0).toBe(true);
      });
      using subscription = news.subscribe();
      await taskGroup(async (group) => {
        group
          .createTask(
            async () => {
              for (;;) got.push(await subscription.get());
            },
            { name: "reader" },
          )
          .addDoneCallback(() => {});
        for (let i = 0; i < 3; i++) {
          await news.publish(i);
          await sleep("1ms");
        }
        for (const task of group.tasks) task.cancel();
      });
      // What the reader has not taken is still there.
      news.close();
      try {
        for (;;) got.push(await subscription.get());
      } catch (error) {
        if (!(error instanceof QueueShutDown)) throw error;
      }
      ended = true;
    });
  });
});
