import { HttpBodyError, HttpClient, HttpStatusError, serverSentEvents } from "@brio/http";
import { CancelledError, createTask, run } from "brio";
import { waitAllTasksBlocked } from "brio/testing";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { type Loopback, serveHttp } from "./loopback.ts";

leavesNothing();

/** Sends one text after the other, one for each connection; then 204. An end without "…" is the end of the stream. */
function telling(...texts: string[]): Promise<Loopback & { ids?: (string | undefined)[] }> {
  return serveHttp((request, response, server) => {
    server.asked.push(`last ${request.headers["last-event-id"] ?? "none"}`);
    const text = texts.shift();
    if (text === undefined) return response.writeHead(204).end();
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    return text.endsWith("…") ? response.write(text.slice(0, -1)) : response.end(text);
  });
}

test("events have a type, data and an id", async () => {
  await run(async () => {
    await using server = await telling(
      ": a comment\n\ndata: one\ndata: two\n\nid: 7\nevent: price\r\ndata: 42\r\n\r\ndata:é\n\ndata: cut off",
    );
    await using client = new HttpClient();
    const stream = serverSentEvents(client, server.url, { reconnect: 1 });
    const seen: unknown[] = [];
    for await (const event of stream) seen.push(event);
    expect(seen).toEqual([
      { type: "message", data: "one\ntwo", id: "" },
      { type: "price", data: "42", id: "7" },
      { type: "message", data: "é", id: "7" },
    ]);
    expect(stream.lastEventId).toBe("7");
  });
});

test("connects again with the last id, until the server says that is all", async () => {
  await run(async () => {
    await using server = await telling("retry: 2\nid: 1\ndata: a\n\n", "id: 2\ndata: b\n\n", "");
    await using client = new HttpClient();
    const seen: string[] = [];
    for await (const { data } of serverSentEvents(client, server.url)) seen.push(data);
    expect(seen).toEqual(["a", "b"]);
    expect(server.asked.filter((line) => line.startsWith("last"))).toEqual([
      "last none",
      "last 1",
      "last 2",
      "last 2",
    ]);
  });
});

test("a connection that is lost in the middle of an event is made again", async () => {
  await run(async () => {
    let first = true;
    await using server = await serveHttp((request, response) => {
      if (!first && request.headers["last-event-id"] !== "1") return response.writeHead(400).end();
      response.writeHead(200, { "content-type": "text/event-stream" });
      if (!first) return response.write("id: 2\ndata: whole\n\n");
      first = false;
      return response.write("id: 1\ndata: a\n\nid: 2\ndata: ha", () => request.socket.destroy());
    });
    await using client = new HttpClient();
    const seen: string[] = [];
    for await (const { data } of serverSentEvents(client, server.url, { reconnect: 1 })) {
      seen.push(data);
      if (data === "whole") break;
    }
    expect(seen).toEqual(["a", "whole"]);
    expect(client.active).toBe(0);
    await server.until(() => server.sockets.size === 0);
  });
});

test("POST, as of language models: the end is the end", async () => {
  await run(async () => {
    await using server = await telling("data: a\n\ndata: [DONE]\n\n");
    await using client = new HttpClient();
    const seen: string[] = [];
    const options = { method: "POST", json: { stream: true } };
    for await (const { data } of serverSentEvents(client, server.url, options)) seen.push(data);
    expect(seen).toEqual(["a", "[DONE]"]);
    expect(server.asked[0]).toBe("POST /");
  });
});

test("what is no stream of events is an error, and not asked for again", async () => {
  await run(async () => {
    await using server = await serveHttp((request, response) => {
      if (request.url === "/404") response.writeHead(404).end("gone");
      else response.writeHead(200, { "content-type": "text/html" }).end("<html>");
    });
    await using client = new HttpClient();
    const html = await serverSentEvents(client, server.url)
      .next()
      .catch((error: unknown) => error);
    expect(html).toBeInstanceOf(HttpBodyError);
    expect(String(html)).toContain("answered with 200 and text/html, not with text/event-stream");
    const missing = serverSentEvents(client, `${server.url}/404`);
    const error = await missing.next().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(HttpStatusError);
    expect(error).toMatchObject({ status: 404, bodyStart: "gone" });
    expect(await missing.next()).toEqual({ done: true, value: undefined });
    expect(server.asked.length).toBe(2);
  });
});

test("an event that is too large is an error", async () => {
  await run(async () => {
    await using server = await telling(`data: ${"x".repeat(5000)}…`);
    await using client = new HttpClient();
    await using stream = serverSentEvents(client, server.url, { maxEventBytes: 1000 });
    await expect(stream.next()).rejects.toThrow("larger than maxEventBytes");
  });
});

test("cancelled while it waits for an event: nothing is lost, and the connection ends with its task", async () => {
  await run(async () => {
    await using server = await telling("data: a\n\n…");
    await using client = new HttpClient();
    const stream = serverSentEvents(client, server.url);
    const task = createTask(async () => {
      expect((await stream.next()).value?.data).toBe("a");
      await stream.next();
    });
    await server.until(() => server.asked.length > 0);
    while (stream.lastEventId !== "" || client.active === 0) await waitAllTasksBlocked();
    await waitAllTasksBlocked();
    task.cancel();
    await expect(task).rejects.toBeInstanceOf(CancelledError);
    await server.until(() => server.sockets.size === 0);
    expect(client.active).toBe(0);
  });
});

test("cancelled while it pauses before it connects again", async () => {
  await run(async () => {
    await using server = await telling("data: a\n\n");
    await using client = new HttpClient();
    const stream = serverSentEvents(client, server.url, { reconnect: "1h" });
    await stream.next();
    const task = createTask(() => stream.next());
    await server.until(() => client.active === 0);
    await waitAllTasksBlocked();
    task.cancel();
    await expect(task).rejects.toBeInstanceOf(CancelledError);
  });
});
