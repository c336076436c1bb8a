import type { ServerResponse } from "node:http";
import { HttpClient, type HttpResponse } from "@brio/http";
import {
  CancelledError,
  createTask,
  interruptible,
  run,
  sleep,
  type Task,
  TimeoutError,
  taskGroup,
  timeout,
} from "brio";
import { waitAllTasksBlocked } from "brio/testing";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { deafServer } from "../../brio/test/streams/deaf-server.ts";
import { echo, type Loopback, serveHttp, serveRaw } from "./loopback.ts";

leavesNothing();

const OK = "HTTP/1.1 200 OK\r\n";

async function cancelled(task: Task<unknown>): Promise<void> {
  task.cancel("enough");
  await expect(task).rejects.toBeInstanceOf(CancelledError);
}

/** The client has let go: nothing is under way, and the server sees no connection any more. */
async function letGo(client: HttpClient, server: Loopback): Promise<void> {
  expect(client.active).toBe(0);
  await server.until(() => server.sockets.size === 0);
}

test("while it connects: that connection is given up at once", async () => {
  const port = await deafServer("127.0.0.1");
  const connecting = (): number =>
    process.getActiveResourcesInfo().filter((kind) => kind === "ConnectWrap").length;
  await run(async () => {
    await using client = new HttpClient();
    while (connecting() > 0) await sleep(1); // those who fill the queue are listed a while longer
    const task = createTask(() => client.get(`http://127.0.0.1:${port}/`));
    while (connecting() === 0) await sleep(1);
    expect(client.active).toBe(1);
    await cancelled(task);
    expect(client.active).toBe(0);
    while (connecting() > 0) await sleep(1);
  });
});

test("timeout.connect: nobody accepts", async () => {
  const port = await deafServer("127.0.0.1");
  await run(async () => {
    await using client = new HttpClient({ timeout: { connect: 50 }, retry: { attempts: 2, backoff: 1 } });
    await expect(client.post(`http://127.0.0.1:${port}/`, { body: "x" })).rejects.toMatchObject({
      name: "HttpTimeoutError",
      phase: "connect",
      limit: 50,
      sent: false,
      attempt: 2, // it was never sent, so also a POST is tried again
    });
  });
});

test("while it waits for the headers", async () => {
  await run(async () => {
    await using server = await serveHttp(() => {});
    await using client = new HttpClient();
    const task = createTask(() => client.get(server.url));
    await server.until(() => server.asked.length === 1);
    await cancelled(task);
    await letGo(client, server);
  });
});

test("by a timeout around it", async () => {
  await run(async () => {
    await using server = await serveHttp(() => {});
    await using client = new HttpClient();
    await expect(timeout(30, () => client.get(server.url))).rejects.toBeInstanceOf(TimeoutError);
    await letGo(client, server);
  });
});

test("when another task of its group fails", async () => {
  await run(async () => {
    await using server = await serveHttp(() => {});
    await using client = new HttpClient();
    await expect(
      taskGroup((group) => {
        for (let index = 0; index < 5; index++) group.createTask(() => client.get(server.url));
        group.createTask(async () => {
          await server.until(() => server.asked.length === 5);
          throw new Error("one fails");
        });
      }),
    ).rejects.toMatchObject({ errors: [{ message: "one fails" }] });
    await letGo(client, server);
  });
});

/** A server that sends the start of a body, and no more. */
function endless(): Promise<Loopback> {
  return serveRaw((socket) => void socket.once("data", () => socket.write(`${OK}\r\nbegin\n`)));
}

const readers: Record<string, (response: HttpResponse) => Promise<unknown>> = {
  bytes: (response) => response.bytes(),
  text: (response) => response.text(),
  json: (response) => response.json(),
  chunks: async (response) => {
    for await (const chunk of response) expect(chunk.toString()).toBe("begin\n");
  },
  lines: async (response) => {
    for await (const line of response.lines()) expect(line).toBe("begin");
  },
  raiseForStatus: async (response) => (await response.raiseForStatus()).text(),
};

test.each(Object.entries(readers))("while it reads the body: %s", async (_, read) => {
  await run(async () => {
    await using server = await endless();
    await using client = new HttpClient();
    let reading = false;
    const task = createTask(async () => {
      const response = await client.get(server.url);
      reading = true;
      await read(response);
    });
    await server.until(() => server.connections === 1);
    while (!reading) await sleep(1);
    await waitAllTasksBlocked();
    await cancelled(task);
    await letGo(client, server);
  });
});

test("while it does something else, between the headers and the body", async () => {
  await run(async () => {
    await using server = await endless();
    await using client = new HttpClient();
    let has = false;
    const task = createTask(async () => {
      await client.get(server.url);
      has = true;
      await sleep("1h");
    });
    while (!has) await sleep(1);
    await cancelled(task);
    await letGo(client, server);
  });
});

test("a response outlives the task that made it, if that was not cancelled", async () => {
  await run(async () => {
    await using server = await serveHttp((_, response) => {
      response.write("one ");
      setImmediate(() => response.end("two"));
    });
    await using client = new HttpClient();
    const response = await createTask(() => client.get(server.url));
    expect(await response.text()).toBe("one two");
  });
});

test("a loop over the body that is left, and a block that is, close the connection", async () => {
  await run(async () => {
    await using server = await endless();
    await using client = new HttpClient();
    for await (const line of (await client.get(server.url)).lines()) {
      expect(line).toBe("begin");
      break;
    }
    await letGo(client, server);
    {
      await using response = await client.get(server.url);
      expect(response.status).toBe(200);
    }
    await letGo(client, server);
  });
});

test("while it pauses between two attempts", async () => {
  await run(async () => {
    await using server = await serveHttp((_, response) => response.writeHead(503).end());
    let pausing = false;
    await using client = new HttpClient({
      retry: { backoff: "1h", jitter: 0 },
      onEvent: ({ type }) => {
        pausing ||= type === "retry";
      },
    });
    const task = createTask(() => client.get(server.url));
    while (!pausing) await sleep(1);
    await cancelled(task);
    expect(server.asked.length).toBe(1);
    expect(client.active).toBe(0);
  });
});

test("while it waits for its turn, of the rate limit and of connections", async () => {
  await run(async () => {
    const waiting: ServerResponse[] = [];
    await using server = await serveHttp((_, response) => void waiting.push(response));
    await using limited = new HttpClient({ rateLimit: { limit: 1, per: "1h" } });
    const first = createTask(() => limited.get(`${server.url}/1`));
    await server.until(() => waiting.length === 1);
    const second = createTask(() => limited.get(`${server.url}/2`));
    await waitAllTasksBlocked();
    await cancelled(second);
    waiting.pop()?.end();
    await first;

    await using narrow = new HttpClient({ limits: { perHost: 1 } });
    const holder = createTask(() => narrow.get(`${server.url}/3`));
    await server.until(() => waiting.length === 1);
    const queued = createTask(() => narrow.get(`${server.url}/4`));
    const behind = createTask(() => narrow.get(`${server.url}/5`));
    await waitAllTasksBlocked();
    await cancelled(queued);
    waiting.pop()?.end();
    await holder;
    await server.until(() => waiting.length === 1);
    waiting.pop()?.end();
    await behind;
    expect(server.asked).toEqual(["GET /1", "GET /3", "GET /5"]);
  });
});

test("while the body is sent: what makes it is stopped too", async () => {
  await run(async () => {
    await using server = await serveHttp(() => {}); // reads nothing
    await using client = new HttpClient();
    const events: string[] = [];
    async function* body(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield Buffer.alloc(65_536);
      } finally {
        events.push("body ended");
      }
    }
    const task = createTask(() => client.post(server.url, { body: body() }));
    await server.until(() => server.asked.length === 1);
    await waitAllTasksBlocked();
    await cancelled(task);
    expect(events).toEqual(["body ended"]);
    expect(client.active).toBe(0); // the server, who does not read, does not notice
  });
});

test("while what makes the body waits", async () => {
  await run(async () => {
    await using server = await serveHttp(echo);
    await using client = new HttpClient();
    const events: string[] = [];
    async function* body(): AsyncGenerator<string> {
      try {
        yield "begin";
        await sleep("1h");
      } finally {
        events.push("body ended");
      }
    }
    const task = createTask(() => client.post(server.url, { body: body() }));
    await server.until(() => server.asked.length === 1);
    await cancelled(task);
    expect(events).toEqual(["body ended"]);
    await letGo(client, server);
  });
});

test("a body whose maker fails ends the request with that error", async () => {
  await run(async () => {
    await using server = await serveHttp(echo);
    await using client = new HttpClient();
    const broken = new Error("no more data");
    async function* body(): AsyncGenerator<string> {
      yield "begin";
      throw broken;
    }
    await expect(client.post(server.url, { body: body() })).rejects.toBe(broken);
    await letGo(client, server);
  });
});

test("a body is made as fast as the server takes it, and answered while it is sent", async () => {
  await run(async () => {
    await using server = await serveHttp((request, response) => request.pipe(response));
    await using client = new HttpClient();
    let made = 0;
    async function* body(): AsyncGenerator<Uint8Array> {
      for (let index = 0; index < 200; index++) {
        made++;
        await sleep(0); // in a task
        yield Buffer.alloc(65_536, index);
      }
    }
    await using response = await client.post(server.url, { body: body() });
    await waitAllTasksBlocked();
    // Nobody reads what comes back: so nothing more is made.
    await sleep(50);
    expect(made).toBeLessThan(200);
    let length = 0;
    for await (const chunk of response) length += chunk.length;
    expect(length).toBe(200 * 65_536);
  });
});

test("closing a client ends what is under way", async () => {
  await run(async () => {
    await using server = await endless();
    const client = new HttpClient();
    const response = await client.get(server.url);
    const waiting = createTask(async () => {
      await using other = await serveHttp(() => {});
      await client.get(other.url);
    });
    while (client.active < 2) await sleep(1);
    await client.close();
    await expect(response.text()).rejects.toThrow("the HttpClient was closed");
    await expect(waiting).rejects.toThrow("the HttpClient was closed");
    await letGo(client, server);
  });
});

test("a program that ends without closing its client is not kept alive by it", async () => {
  let client: HttpClient | undefined;
  await run(async () => {
    await using server = await serveHttp(echo);
    client = new HttpClient();
    await (await client.get(server.url)).text();
    await interruptible(Promise.resolve());
  });
  // Its loop is over; closing is still possible in another.
  await run(async () => client?.close());
});
