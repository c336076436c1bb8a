import { HttpClient, type HttpEvent, HttpStatusError } from "@brio/http";
import { run } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { askedFor, RetryPolicy } from "../src/client/retry-policy.ts";
import { serveHttp } from "./loopback.ts";

leavesNothing();

/** Answers with these statuses, one after the other, and then with 200. */
function answering(...statuses: number[]) {
  return serveHttp((request, response) => {
    request.resume();
    const status = statuses.shift() ?? 200;
    response.writeHead(status, status === 429 ? { "retry-after": "0" } : {}).end(`answer ${status}`);
  });
}

test("an answer of 503 is tried again until there is another", async () => {
  await run(async () => {
    await using server = await answering(503, 502);
    const events: string[] = [];
    const onEvent = (event: HttpEvent): void => {
      const { type, attempt } = event;
      events.push(`${type} ${attempt}${"status" in event ? ` ${event.status}` : ""}`);
    };
    await using client = new HttpClient({ retry: { backoff: 1 }, onEvent });
    const response = await client.get(server.url);
    expect([await response.text(), response.attempt]).toEqual(["answer 200", 3]);
    expect(server.connections).toBe(1); // their bodies were read
    expect(events).toEqual(
      [
        "request 1",
        "response 1 503",
        "end 1",
        "retry 1 503",
        "request 2",
        "response 2 502",
        "end 2",
        "retry 2 502",
        "request 3",
        "response 3 200",
        "end 3",
      ].sort((a, b) => events.indexOf(a) - events.indexOf(b)),
    );
  });
});

test("when all attempts are used up, the last answer is the response, or the error", async () => {
  await run(async () => {
    await using server = await answering(503, 503, 503, 503, 503);
    await using client = new HttpClient({ retry: { attempts: 2, backoff: 1 } });
    const response = await client.get(server.url);
    expect([response.status, response.attempt, await response.text()]).toEqual([503, 2, "answer 503"]);
    const error = await client.get(server.url, { raiseForStatus: true }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(HttpStatusError);
    expect(error).toMatchObject({ status: 503, attempt: 2, bodyStart: "answer 503" });
    expect(String(error)).toContain("(attempt 2)");
  });
});

test.each([
  ["GET", 500, 1],
  ["GET", 404, 1],
  ["POST", 503, 1],
  ["PATCH", 503, 1],
  ["PUT", 503, 2],
  ["DELETE", 503, 2],
  ["POST", 429, 2], // the server has not acted
])("%s that is answered with %i is sent %i times", async (method, status, times) => {
  await run(async () => {
    await using server = await answering(status);
    await using client = new HttpClient({ retry: { backoff: 1 } });
    await (await client.request(method, server.url)).text();
    expect(server.asked.length).toBe(times);
  });
});

test("a body that can't be sent again is not; one that a function makes is", async () => {
  await run(async () => {
    async function* body(): AsyncGenerator<string> {
      yield "x";
    }
    await using server = await answering(503, 503);
    await using client = new HttpClient({ retry: { backoff: 1 } });
    expect((await client.put(server.url, { body: body() })).status).toBe(503);
    expect(server.asked.length).toBe(1);
    expect((await client.put(server.url, { body })).status).toBe(200);
    expect(server.asked.length).toBe(3);
  });
});

test("retry: false sends once", async () => {
  await run(async () => {
    await using server = await answering(503);
    await using client = new HttpClient({ retry: { backoff: 1 } });
    expect((await client.get(server.url, { retry: false })).status).toBe(503);
  });
});

test("429 with Retry-After: waits as long as the server asks", async () => {
  await run(async () => {
    let first = true;
    await using server = await serveHttp((_, response) => {
      if (first) response.writeHead(429, { "retry-after": "1" });
      first = false;
      response.end();
    });
    const pauses: number[] = [];
    await using client = new HttpClient({
      retry: { backoff: 60_000 },
      onEvent: (event) => event.type === "retry" && pauses.push(event.pause),
    });
    const begun = performance.now();
    expect((await client.get(server.url)).status).toBe(200);
    expect(pauses).toEqual([1000]);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(990);
  });
});

test("a server that asks to wait longer than allowed, or than there is time, is given up", async () => {
  await run(async () => {
    await using server = await serveHttp((_, response) =>
      response.writeHead(503, { "retry-after": "61" }).end(),
    );
    await using client = new HttpClient();
    expect((await client.get(server.url)).status).toBe(503);
    const patient = await client.get(server.url, { timeout: "10s", retry: { maxRetryAfter: "2m" } });
    expect(patient.status).toBe(503);
    expect(server.asked.length).toBe(2);
  });
});

describe("how long to wait", () => {
  const get = { method: "GET", keyed: false, replayable: true };

  test("pauses grow, and are spread by chance", () => {
    const policy = new RetryPolicy({
      attempts: 9,
      backoff: { initial: 100, factor: 3, max: 1000 },
      jitter: 0,
    });
    const pauses = [1, 2, 3, 4].map((attempt) => policy.afterAnswer(get, 503, null, attempt));
    expect(pauses).toEqual([100, 300, 900, 1000]);
    const spread = new RetryPolicy({ attempts: 9, backoff: 100, jitter: 0.5 });
    const some = Array.from({ length: 200 }, () => spread.afterAnswer(get, 503, null, 1) as number);
    expect(Math.min(...some)).toBeGreaterThanOrEqual(50);
    expect(Math.max(...some)).toBeLessThanOrEqual(100);
    expect(new Set(some).size).toBeGreaterThan(100);
  });

  test("Retry-After is seconds or a date", () => {
    expect(askedFor("120")).toBe(120_000);
    const inAMinute = askedFor(new Date(Date.now() + 60_000).toUTCString());
    expect(inAMinute).toBeGreaterThan(58_000);
    expect(inAMinute).toBeLessThanOrEqual(60_000);
    expect(askedFor(new Date(0).toUTCString())).toBe(0);
    expect(askedFor("soon")).toBe(null);
    expect(new RetryPolicy({ backoff: 7, jitter: 0 }).afterAnswer(get, 503, "soon", 1)).toBe(7);
  });
});

test("a rate limit spaces requests, in the time of the loop", async () => {
  const times: number[] = [];
  await runVirtual(async () => {
    const client = new HttpClient({
      rateLimit: { limit: 10, per: "1s", burst: 1 },
      retry: false,
      interceptors: [
        () => (_options, handler) => {
          times.push(performance.now());
          const controller = {
            aborted: false,
            paused: false,
            reason: null,
            abort() {},
            pause() {},
            resume() {},
          };
          handler.onRequestStart?.(controller, null);
          handler.onResponseStart?.(controller, 204, {}, "");
          handler.onResponseEnd?.(controller, {});
          return true;
        },
      ],
    });
    const { getRunningLoop } = await import("brio");
    const loop = getRunningLoop();
    const at: number[] = [];
    for (let index = 0; index < 3; index++) {
      await client.get("http://example.com/");
      at.push(Math.round(loop.time()));
    }
    expect(at.map((time) => time - (at[0] as number))).toEqual([0, 100, 200]);
    await client.close();
  });
  expect(times.length).toBe(3);
});
