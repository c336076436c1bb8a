import { fetch } from "@brio/http";
import { CancelledError, createTask, run, TimeoutError, timeout } from "brio";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { echo, serveHttp } from "./loopback.ts";

leavesNothing();

const headers = { connection: "close" };

test("fetch is the platform's", async () => {
  await run(async () => {
    await using server = await serveHttp(echo);
    const response = await fetch(`${server.url}/x`, { method: "POST", body: "hi", headers });
    expect(response).toBeInstanceOf(Response);
    expect(await response.json()).toMatchObject({ method: "POST", url: "/x", body: "hi" });
    const request = new Request(`${server.url}/y`, { headers });
    expect(await (await fetch(request)).json()).toMatchObject({ url: "/y" });
  });
});

test("cancelled while it waits for an answer", async () => {
  await run(async () => {
    await using server = await serveHttp(() => {});
    const task = createTask(() => fetch(server.url, { headers }));
    await server.until(() => server.asked.length === 1);
    task.cancel("enough");
    await expect(task).rejects.toMatchObject({ name: "CancelledError", reason: "enough" });
    await server.until(() => server.sockets.size === 0);
    await expect(timeout(30, () => fetch(server.url, { headers }))).rejects.toBeInstanceOf(TimeoutError);
    await server.until(() => server.sockets.size === 0);
  });
});

test("cancelled while the body is read", async () => {
  await run(async () => {
    await using server = await serveHttp((_, response) => void response.write("begin"));
    let reading = false;
    const task = createTask(async () => {
      const response = await fetch(server.url, { headers });
      reading = true;
      return await response.text();
    });
    while (!reading) await new Promise((resolve) => setImmediate(resolve));
    task.cancel();
    await expect(task).rejects.toBeInstanceOf(CancelledError);
    await server.until(() => server.sockets.size === 0);
  });
});

test("a signal of one's own still works", async () => {
  await run(async () => {
    await using server = await serveHttp(() => {});
    const controller = new AbortController();
    const task = createTask(() => fetch(server.url, { signal: controller.signal, headers }));
    await server.until(() => server.asked.length === 1);
    controller.abort();
    await expect(task).rejects.toMatchObject({ name: "AbortError" });
    await server.until(() => server.sockets.size === 0);
  });
});
