/** Jobs over Redis: what brio adds to BullMQ, which it is built on. Needs a Redis (BRIO_REDIS_URL). */
import type { Row } from "../harness/row.ts";

export const distributed: readonly Row[] = [
  {
    name: "jobs",
    group: "distributed",
    title: "job over Redis and back, 100 at a time, on a worker that runs 10 at once in its own thread",
    measure: "rate",
    unit: "jobs/s",
    better: "higher",
    load: { tasks: 100, turns: 1 },
    needs: "Redis",
    peers: ["brio", "bullmq"],
  },
];
