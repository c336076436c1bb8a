import { HttpClient, type HttpClientOptions, HttpConnectionError, HttpError } from "@brio/http";
import { run } from "brio";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { type Loopback, serveHttp, serveRaw } from "./loopback.ts";

leavesNothing();

const OK = "HTTP/1.1 200 OK\r\n";

/** What a request to a server of this kind ends with. */
async function failure(
  handler: Parameters<typeof serveRaw>[0],
  options: HttpClientOptions = {},
  body: "read" | "leave" = "leave",
): Promise<{ error: HttpError; server: Loopback }> {
  return await run(async () => {
    await using server = await serveRaw(handler);
    await using client = new HttpClient({ retry: false, ...options });
    try {
      const response = await client.get(`${server.url}/file`);
      if (body === "read") await response.bytes();
    } catch (error) {
      expect(error).toBeInstanceOf(HttpError);
      await server.until(() => server.sockets.size === 0);
      return { error: error as HttpError, server };
    }
    throw new Error("it did not fail");
  });
}

test("nobody listens", async () => {
  await run(async () => {
    const gone = await serveRaw(() => {});
    await gone[Symbol.asyncDispose]();
    await using client = new HttpClient({ retry: { attempts: 2, backoff: 1 } });
    const error = await client.post(gone.url, { body: "x" }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(HttpConnectionError);
    expect(error).toMatchObject({
      code: "ECONNREFUSED",
      sent: false,
      attempt: 2,
      status: null,
      method: "POST",
    });
    expect(String(error)).toContain(`POST ${gone.url}/ could not connect (ECONNREFUSED)`);
  });
});

test("a name that does not exist", async () => {
  await run(async () => {
    await using client = new HttpClient({ retry: false });
    const error = await client.get("http://no-such-host.invalid/").catch((error: unknown) => error);
    expect(error).toMatchObject({ name: "HttpConnectionError", sent: false });
    expect((error as HttpConnectionError).code).toMatch(/ENOTFOUND|EAI_AGAIN/);
  });
});

test("a server that accepts and says nothing: timeout.headers", async () => {
  const { error } = await failure(() => {}, { timeout: { headers: 30 } });
  expect(error).toMatchObject({
    name: "HttpTimeoutError",
    phase: "headers",
    limit: 30,
    sent: true,
    status: null,
  });
  expect(error.message).toMatch(/^GET http:\/\/127.0.0.1:\d+\/file had no answer after 30 ms$/);
});

test("a server that accepts and says nothing: timeout in all, over several attempts", async () => {
  const { error, server } = await failure((socket) => void socket.once("data", () => socket.destroy()), {
    timeout: 60,
    retry: { attempts: Number.POSITIVE_INFINITY, backoff: 5 },
  });
  expect(server.connections).toBeGreaterThan(1);
  // Either in an attempt, or because there is no time for another: then that says what went wrong.
  expect(error.name).toMatch(/^Http(?:Timeout|Connection)Error$/);
  expect(error.attempt).toBeGreaterThan(1);
  const silent = await failure(() => {}, { timeout: 30 });
  expect(silent.error).toMatchObject({ name: "HttpTimeoutError", phase: "total", limit: 30 });
});

test("a server that says a little and then nothing: timeout.idle", async () => {
  const { error } = await failure(
    (socket) => void socket.once("data", () => socket.write(`${OK}content-length: 100\r\n\r\nbegin`)),
    { timeout: { idle: 30 } },
    "read",
  );
  expect(error).toMatchObject({ name: "HttpTimeoutError", phase: "body", limit: 30, status: 200 });
});

test("the time in all is over in the middle of the body", async () => {
  const { error } = await failure(
    (socket) => void socket.once("data", () => socket.write(`${OK}content-length: 100\r\n\r\nbegin`)),
    { timeout: 40 },
    "read",
  );
  expect(error).toMatchObject({ name: "HttpTimeoutError", phase: "total", limit: 40, status: 200 });
});

test("a slow reader is not taken for a slow server", async () => {
  await run(async () => {
    const size = 4_000_000;
    await using server = await serveHttp((_, response) => response.end(Buffer.alloc(size)));
    await using client = new HttpClient({ timeout: { idle: 500 } });
    await using response = await client.get(server.url);
    const first = (await response.body.read(1)).length;
    // Longer than timeout.idle, in which the server may not go on.
    await new Promise((resolve) => setTimeout(resolve, 700));
    let length = first;
    for await (const chunk of response) length += chunk.length;
    expect(length).toBe(size);
  });
});

test.each([
  ["a length", "content-length: 100\r\n\r\nbegin"],
  ["chunks", "transfer-encoding: chunked\r\n\r\n5\r\nbegin\r\n"],
])("a server that dies in the middle of a body with %s", async (_, rest) => {
  const { error } = await failure(
    (socket) => void socket.once("data", () => socket.end(`${OK}${rest}`)),
    {},
    "read",
  );
  expect(error).toMatchObject({ name: "HttpConnectionError", status: 200, sent: true });
  expect(error.message).toContain(
    "answered with 200, and the connection was lost before the end of the body",
  );
});

test("what came before a server died can be read", async () => {
  await run(async () => {
    await using server = await serveRaw(
      (socket) => void socket.once("data", () => socket.end(`${OK}content-length: 100\r\n\r\nbegin`)),
    );
    await using client = new HttpClient();
    const response = await client.get(server.url);
    const seen: string[] = [];
    const end = await (async () => {
      for await (const chunk of response) seen.push(chunk.toString());
    })().catch((error: unknown) => error);
    expect(end).toBeInstanceOf(HttpConnectionError);
    expect(seen.join("")).toBe("begin");
  });
});

test("a server that dies before it has answered; tried again for GET, not for POST", async () => {
  await run(async () => {
    let left = 2;
    await using server = await serveHttp((request, response) => {
      if (left-- > 0) request.socket.destroy();
      else response.end("at last");
    });
    await using client = new HttpClient({ retry: { backoff: 1 } });
    const response = await client.get(server.url);
    expect([await response.text(), response.attempt]).toEqual(["at last", 3]);
    left = 1;
    const error = await client.post(server.url, { body: "x" }).catch((error: unknown) => error);
    expect(error).toMatchObject({ name: "HttpConnectionError", sent: true, attempt: 1, method: "POST" });
    left = 1;
    const keyed = await client.post(server.url, { body: "x", headers: { "Idempotency-Key": "7" } });
    expect([await keyed.text(), keyed.attempt]).toEqual(["at last", 2]);
  });
});

test("a server that sends more than its content-length", async () => {
  await run(async () => {
    await using server = await serveRaw(
      (socket) => void socket.on("data", () => socket.write(`${OK}content-length: 5\r\n\r\nhello, and more`)),
    );
    await using client = new HttpClient({ retry: false });
    const outcome = await (async () => (await client.get(server.url)).text())().catch(
      (error: unknown) => error,
    );
    // The body is as long as was said; or, when the rest came along with it, the answer is none.
    if (outcome !== "hello") expect(outcome).toMatchObject({ name: "HttpProtocolError" });
    // In no case does the next request get that rest for an answer.
    const next = await (async () => (await client.get(server.url)).text())().catch((error: unknown) => error);
    if (next !== "hello") expect(next).toBeInstanceOf(HttpError);
    expect(server.connections).toBe(2);
  });
});

test("two different content-lengths", async () => {
  const { error } = await failure(
    (socket) =>
      void socket.once("data", () =>
        socket.write(`${OK}content-length: 5\r\ncontent-length: 6\r\n\r\nhello!`),
      ),
  );
  expect(error).toMatchObject({ name: "HttpProtocolError", code: "UND_ERR_RES_CONTENT_LENGTH_MISMATCH" });
});

test("an answer that is not HTTP", async () => {
  const { error } = await failure(
    (socket) => void socket.once("data", () => socket.write("220 mail ready\r\n")),
  );
  expect(error).toMatchObject({ name: "HttpProtocolError", code: expect.stringMatching(/^HPE_/) });
  expect(error.message).toContain("got an answer that breaks the protocol");
});

test.each([
  ["one header that never ends", () => "x".repeat(1000)],
  ["headers that never end", (index: number) => `x-${index}: ${"y".repeat(1000)}\r\n`],
])("%s", async (_, piece) => {
  const { error } = await failure((socket) => {
    let index = 0;
    const more = (): void => {
      while (!socket.destroyed && socket.write(piece(index++)));
    };
    socket.on("drain", more);
    socket.once("data", () => {
      socket.write(`${OK}x-long: `);
      more();
    });
  });
  expect(error).toMatchObject({ name: "HttpProtocolError", code: "UND_ERR_HEADERS_OVERFLOW" });
});

test("a body that never ends, read as a whole", async () => {
  const { error } = await failure(
    (socket) => {
      const more = (): void => {
        while (!socket.destroyed && socket.write(Buffer.alloc(65_536)));
      };
      socket.on("drain", more);
      socket.once("data", () => {
        socket.write(`${OK}\r\n`);
        more();
      });
    },
    { maxBodyBytes: 1_000_000 },
    "read",
  );
  expect(error).toMatchObject({ name: "HttpBodyTooLargeError", limit: 1_000_000, status: 200 });
});

test("a body that nobody reads stops its server", async () => {
  await run(async () => {
    let written = 0;
    let stopped = false;
    await using server = await serveRaw((socket, loopback) => {
      const more = (): void => {
        stopped = false;
        while (!socket.destroyed && socket.write(Buffer.alloc(65_536))) written += 65_536;
        stopped = true;
        loopback.note();
      };
      socket.on("drain", more);
      socket.once("data", () => {
        socket.write(`${OK}\r\n`);
        more();
      });
    });
    await using client = new HttpClient();
    await using response = await client.get(server.url);
    await server.until(() => stopped);
    const before = process.memoryUsage().rss;
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(process.memoryUsage().rss - before).toBeLessThan(50_000_000);
    expect(written).toBeLessThan(30_000_000);
    expect((await response.body.read(10)).length).toBe(10);
  });
});
