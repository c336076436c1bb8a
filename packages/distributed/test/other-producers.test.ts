import { interruptible } from "brio";
import { Queue, QueueEvents } from "bullmq";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { describeWithRedis, place } from "./redis.ts";
import { work } from "./work.ts";

leavesNothing();

describeWithRedis("a job that another program has made with BullMQ", () => {
  test("runs if it is as the guide says", async () => {
    const { connection, queue, prefix } = place();
    const options = { connection: { url: connection }, prefix };
    await work({ connection, queue, prefix }, async () => {
      const bull = new Queue(queue, options);
      const events = new QueueEvents(queue, options);
      await interruptible(events.waitUntilReady());
      const job = await interruptible(bull.add("jobs#add", { brio: 1, args: { json: [20, 22] } }));
      expect(await interruptible(job.waitUntilFinished(events))).toEqual({ json: 42 });
      await interruptible(Promise.all([events.close(), bull.close()]));
    });
  });

  test("and that is no call of a function fails, and says why", async () => {
    const { connection, queue, prefix } = place();
    const options = { connection: { url: connection }, prefix };
    await work({ connection, queue, prefix }, async () => {
      const bull = new Queue(queue, options);
      const events = new QueueEvents(queue, options);
      await interruptible(events.waitUntilReady());
      const job = await interruptible(bull.add("paint", { colour: "blue" }));
      await expect(interruptible(job.waitUntilFinished(events))).rejects.toThrow(
        "TypeError: the job paint was not made by a DistributedExecutor: its data is { colour: 'blue' }",
      );
      await interruptible(Promise.all([events.close(), bull.close()]));
    });
  });
});
