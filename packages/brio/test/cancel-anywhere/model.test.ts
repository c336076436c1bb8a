import { explore } from "brio/testing";
import { describe, expect, it } from "vitest";
import { randomProgram } from "./random-program.ts";

describe("random programs with random cancellations, in random orders", () => {
  it.each(["sticky", "once"] as const)(
    "agree with a model of queues and permits (%s)",
    async (cancellation) => {
      const { runs, schedules } = await explore(randomProgram, {
        seeds: 1000,
        cancellation,
        structured: true,
      });
      expect(runs).toBe(1000);
      expect(schedules).toBeGreaterThan(900);
    },
  );

  it("agree with it when main is cancelled too", async () => {
    // A timeout that is over as it begins may answer for the cancellation.
    await explore(randomProgram, { seeds: 300, cancel: "all", maySwallow: true });
  });
});
