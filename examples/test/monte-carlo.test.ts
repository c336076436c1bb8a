import { connect } from "node:net";
import process from "node:process";
import { run } from "brio";
import { InlineExecutor } from "brio/threads";
import { describe, expect, test } from "vitest";
import { EXACT, estimate } from "../13-monte-carlo/main.ts";
import { Program } from "./program.ts";

const MAIN = "13-monte-carlo/main.ts";
const redis = new URL(process.env.BRIO_REDIS_URL ?? "redis://127.0.0.1:6379");

const answers = await new Promise<boolean>((resolve) => {
  const socket = connect(Number(redis.port || 6379), redis.hostname, () => {
    socket.destroy();
    resolve(true);
  });
  socket.on("error", () => resolve(false));
});
if (!answers && process.env.BRIO_REQUIRE_SERVICES === "1") throw new Error(`no Redis at ${redis.host}`);

test("13-monte-carlo: the estimate is close to what is known, and no more is computed than needed", async () => {
  await run(async () => {
    await using executor = new InlineExecutor();
    const { value, error, paths } = await estimate(executor, 0.05, 10_000);
    expect(Math.abs(value - EXACT)).toBeLessThan(4 * error);
    expect(error).toBeLessThanOrEqual(0.05);
    expect(paths % 10_000).toBe(0);
    // It was not yet good enough one batch before.
    expect(error * Math.sqrt(paths / (paths - 10_000))).toBeGreaterThan(0.05);
  });
});

test("13-monte-carlo runs on what the environment says", async () => {
  await using program = new Program(MAIN, ["--error", "0.05", "--paths", "10000"], {
    BRIO_EXECUTOR: "processes:1",
  });
  const { code, lines, stderr } = await program.ended();
  expect(stderr).toBe("");
  expect(lines).toEqual([
    expect.stringMatching(/^processes:1: 7\.\d{4} ± 0\.0\d{3}, exactly 7\.1281, of \d+ paths/),
  ]);
  expect(code).toBe(0);
});

test("13-monte-carlo without Redis runs on threads, and says what it misses", async () => {
  const nowhere = { BRIO_REDIS_URL: "redis://127.0.0.1:1" };
  await using program = new Program(MAIN, ["--error", "0.05", "--paths", "10000"], nowhere);
  const { code, lines } = await program.ended();
  expect(lines).toEqual([
    expect.stringMatching(/^on two threads: 7\./),
    "not on worker processes: no Redis at 127.0.0.1:1; start redis-server, or set BRIO_REDIS_URL",
  ]);
  expect(code).toBe(0);
});

const withRedis = answers ? describe : describe.skip;

withRedis(answers ? "with Redis" : `with Redis (none answers at ${redis.host}: start redis-server)`, () => {
  test("13-monte-carlo comes to the same figure on threads and on two worker processes", async () => {
    await using program = new Program(MAIN, ["--error", "0.05", "--paths", "10000"]);
    const { code, lines, stderr } = await program.ended();
    expect(stderr).toBe("");
    expect(lines).toEqual([
      expect.stringMatching(/^on two threads: 7\./),
      expect.stringMatching(/^on two worker processes: 7\./),
      "the same to the last digit",
    ]);
    expect(code).toBe(0);
  });
});
