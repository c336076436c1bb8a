// Answers that come in one piece take a shorter way than others: what they give must be the same.
import type { Socket } from "node:net";
import { HttpBodyTooLargeError, HttpClient, type HttpResponse } from "@brio/http";
import { CancelledError, createTask, Event, gather, getRunningLoop, interruptible, run, sleep } from "brio";
import { waitAllTasksBlocked } from "brio/testing";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { type Loopback, serveHttp, serveRaw } from "./loopback.ts";

leavesNothing();

const turn = (): Promise<void> => interruptible(new Promise<void>((resolve) => setImmediate(resolve)));

const TEXT = '{"a":\n"é"}';
const HEAD = `HTTP/1.1 200 OK\r\ncontent-length: ${Buffer.byteLength(TEXT)}\r\n\r\n`;

/** Sends each piece when the client has had a turn, or many. */
const inPieces =
  (...pieces: readonly (string | Buffer)[]) =>
  async (socket: Socket): Promise<void> => {
    for (const piece of pieces) {
      socket.write(piece);
      for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
    }
  };

const body = Buffer.from(TEXT);

const ways: Readonly<Record<string, (socket: Socket) => Promise<void>>> = {
  "at once": inPieces(HEAD + TEXT),
  "after its head": inPieces(HEAD, TEXT),
  "begun with its head": inPieces(Buffer.concat([Buffer.from(HEAD), body.subarray(0, 7)]), body.subarray(7)),
  "byte by byte": inPieces(HEAD, ...Array.from(body, (byte) => Buffer.of(byte))),
  "in one chunk": inPieces(
    `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${TEXT}\r\n0\r\n\r\n`,
  ),
  "in two chunks at once": inPieces(
    `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n${(body.length - 1).toString(16)}\r\n${TEXT.slice(1)}\r\n0\r\n\r\n`,
  ),
};

const readers: Readonly<Record<string, (response: HttpResponse) => Promise<unknown>>> = {
  bytes: async (response) => (await response.bytes()).toString(),
  text: (response) => response.text(),
  json: async (response) => JSON.stringify(await response.json()),
  chunks: async (response) => {
    const pieces: Buffer[] = [];
    for await (const piece of response) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  },
  lines: async (response) => {
    const lines: string[] = [];
    for await (const line of response.lines()) lines.push(line);
    return lines.join("\n");
  },
  "by number": async (response) => {
    const first = await response.body.readExactly(3);
    return first.toString() + (await response.body.read()).toString();
  },
  "text, read twice": async (response) => (await response.text()) + (await response.text()),
  "bytes, after a look": async (response) => {
    expect(response.body.atEof()).toBe(false);
    return (await response.bytes()).toString();
  },
};

test.each(Object.keys(ways).flatMap((way) => Object.keys(readers).map((reader) => [way, reader] as const)))(
  "a body that comes %s, read as %s",
  async (way, reader) => {
    await run(async () => {
      await using server = await answering(ways[way] as (socket: Socket) => Promise<void>);
      await using client = new HttpClient();
      for (const later of [false, true]) {
        const response = await client.get(server.url);
        if (later) for (let turns = 0; turns < 40 && client.active > 0; turns++) await turn();
        const expected = reader === "json" ? '{"a":"é"}' : TEXT;
        expect(await readers[reader]?.(response)).toBe(expected);
        expect(await response.bytes()).toEqual(Buffer.alloc(0)); // it has been read
      }
      expect(client.active).toBe(0);
      expect(server.connections).toBe(1);
    });
  },
);

/** A server that answers each request so. */
function answering(answer: (socket: Socket) => Promise<void>): Promise<Loopback> {
  return serveRaw((socket) => void socket.on("data", () => void answer(socket)));
}

test("a body that is there may not be too large either, and an empty one is one", async () => {
  await run(async () => {
    await using server = await serveHttp(({ url }, response) => response.end(url === "/" ? "" : "12345"));
    await using client = new HttpClient({ baseUrl: server.url });
    expect(await (await client.get("/")).text()).toBe("");
    expect(await (await client.get("/x", { maxBodyBytes: 5 })).text()).toBe("12345");
    for (const read of ["text", "bytes"] as const) {
      const response = await client.get("/x");
      await expect(response[read]({ maxBodyBytes: 4 })).rejects.toBeInstanceOf(HttpBodyTooLargeError);
    }
    await expect((await client.get("/x", { maxBodyBytes: 4 })).json()).rejects.toBeInstanceOf(
      HttpBodyTooLargeError,
    );
  });
});

test("a body that is there is read in a task, as every other", async () => {
  await run(async () => {
    await using server = await serveHttp((_, response) => response.end("here"));
    await using client = new HttpClient();
    const response = await client.get(server.url);
    expect(client.active).toBe(0);
    const refused = getRunningLoop().createFuture<unknown>();
    getRunningLoop().callSoon(() => void response.text().catch((error: unknown) => refused.setResult(error)));
    expect(String(await refused)).toContain("needs a task");
    expect(await response.text()).toBe("here");
  });
});

test("cancelled between the head and the body: what had come is lost, and so is the connection", async () => {
  await run(async () => {
    await using server = await answering(inPieces(`${HEAD}{`));
    await using client = new HttpClient();
    let response: HttpResponse | undefined;
    const task = createTask(async () => {
      response = await client.get(server.url);
      await sleep("1h");
    });
    while (response === undefined) await turn();
    await waitAllTasksBlocked();
    task.cancel();
    await expect(task).rejects.toBeInstanceOf(CancelledError);
    while (client.active > 0) await turn();
    await expect(response.text()).rejects.toThrow("the response was closed");
    await server.until(() => server.sockets.size === 0);
  });
});

test("cancelled when the whole answer has come: its connection is used again", async () => {
  await run(async () => {
    await using server = await serveHttp((_, response) => response.end("x"));
    const ended: boolean[] = [];
    await using client = new HttpClient({
      onEvent: (event) => {
        if (event.type !== "end") return;
        ended.push(event.complete);
        // The task that waits for it has had no turn yet.
        if (ended.length === 2) task.cancel();
      },
    });
    await (await client.get(server.url)).text();
    const task = createTask(() => client.get(server.url));
    await expect(task).rejects.toBeInstanceOf(CancelledError);
    expect(await (await client.get(server.url)).text()).toBe("x");
    expect(ended).toEqual([true, true, true]);
    expect(server.connections).toBe(1);
    expect(client.active).toBe(0);
  });
});

test("of several connections, the one that was free last is used first", async () => {
  await run(async () => {
    const ports: (number | undefined)[] = [];
    const all = new Event();
    await using server = await serveHttp(async ({ socket }, response) => {
      if (ports.push(socket.remotePort) === 3) all.set();
      while (ports.length < 3) await new Promise((resolve) => setImmediate(resolve));
      response.end("x");
    });
    await using client = new HttpClient();
    await gather(Array.from({ length: 3 }, () => async () => (await client.get(server.url)).text()));
    for (let times = 0; times < 5; times++) await (await client.get(server.url)).text();
    expect(server.connections).toBe(3);
    expect(new Set(ports.slice(3)).size).toBe(1);
  });
});

test("a connection that its server ends is made anew, also when a request has just been given to it", async () => {
  await run(async () => {
    await using server = await serveHttp(({ url }, response) => {
      if (url === "/last") response.setHeader("connection", "close");
      response.end("x");
    });
    await using client = new HttpClient({ baseUrl: server.url, retry: false });
    for (let times = 0; times < 5; times++) {
      expect(await (await client.get("/last")).text()).toBe("x");
      expect(await (await client.get("/")).text()).toBe("x");
      for (const socket of server.sockets) socket.end();
      if (times % 2 === 0) await server.until(() => server.sockets.size === 0);
      for (let turns = 0; turns < 10; turns++) await turn();
    }
    expect(server.asked.length).toBe(10);
    expect(client.active).toBe(0);
  });
});

test("limits of several requests at once: each has its own time", async () => {
  await run(async () => {
    await using server = await serveHttp(() => {}); // never answers
    await using client = new HttpClient({ retry: false });
    const order: number[] = [];
    const limited = (headers: number): Promise<void> =>
      expect(client.get(server.url, { timeout: { headers } }))
        .rejects.toMatchObject({ phase: "headers", limit: headers })
        .then(() => void order.push(headers));
    const patient = createTask(() => client.get(server.url, { timeout: { headers: "1h" } }));
    await server.until(() => server.asked.length === 1);
    await gather([120, 40, 80, 40].map((headers) => () => limited(headers)));
    expect(order).toEqual([40, 40, 80, 120]);
    expect(client.active).toBe(1);
    patient.cancel();
    await expect(patient).rejects.toBeInstanceOf(CancelledError);
    expect(client.active).toBe(0);
  });
});

test("a client that is used in one run after another has time limits in each", async () => {
  const client = new HttpClient({ retry: false, timeout: { headers: 30 } });
  for (let times = 0; times < 2; times++) {
    await run(async () => {
      await using server = await serveHttp(({ url }, response) => void (url === "/x" && response.end("x")));
      expect(await (await client.get(`${server.url}/x`)).text()).toBe("x");
      await expect(client.get(server.url)).rejects.toMatchObject({ phase: "headers", limit: 30 });
    });
  }
  await run(() => client.close());
});

test("nothing of a request stays behind that keeps the process alive", async () => {
  await run(async () => {
    await using server = await serveHttp((_, response) => response.end("x"));
    await using client = new HttpClient();
    const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    const before = timers();
    await (await client.get(server.url)).text();
    await turn();
    expect(timers()).toBe(before);
  });
});

test("requests without options share nothing that one could change for another", async () => {
  await run(async () => {
    await using server = await serveHttp(({ method, headers }, response) =>
      response.setHeader("asked", `${method} ${headers["x-trace"]} ${headers.authorization}`).end("x"),
    );
    let traced = 0;
    await using traces = new HttpClient({
      onEvent: (event) => {
        if (event.type === "request" && ++traced === 1) event.headers["x-trace"] = "first";
      },
    });
    await using client = new HttpClient();
    const asked = async (response: HttpResponse): Promise<string | null> => {
      await response.discard();
      return response.header("asked");
    };
    expect(await asked(await traces.get(server.url))).toBe("GET first undefined");
    expect(await asked(await traces.get(server.url))).toBe("GET undefined undefined");
    expect(await asked(await client.get(server.url))).toBe("GET undefined undefined");
    expect(await asked(await client.delete(server.url))).toBe("DELETE undefined undefined");
    expect(await asked(await client.head(server.url))).toBe("HEAD undefined undefined");
    expect(await asked(await client.request("get", server.url))).toBe("GET undefined undefined");
    const named = server.url.replace("//", "//a:b@");
    expect(await asked(await client.get(named))).toBe("GET undefined Basic YTpi");
    expect(await asked(await client.get(named))).toBe("GET undefined Basic YTpi");
    expect(await asked(await client.get(server.url))).toBe("GET undefined undefined");
    const url = new URL(server.url);
    expect((await client.get(url)).url).toBe(`${server.url}/`);
    url.pathname = "/other";
    expect((await client.get(url)).url).toBe(`${server.url}/other`);
  });
});

test.each([
  ["http://h/#", "http://h/", "/"],
  ["http://h/a?b=c#d@e", "http://h/a?b=c", "/a?b=c"],
  ["HTTP://H:80/@a", "http://h/@a", "/@a"],
  ["http://h?x=/y", "http://h/?x=/y", "/?x=/y"],
])("%s is asked for as %s", async (given, url, path) => {
  await run(async () => {
    await using server = await serveHttp((request, response) => response.end(request.headers.host));
    const asked: string[] = [];
    await using client = new HttpClient({
      interceptors: [
        (dispatch) => (options, handler) => {
          asked.push(`${options.origin} ${options.path}`);
          return dispatch({ ...options, origin: server.url }, handler);
        },
      ],
    });
    const response = await client.get(given);
    expect(response.url).toBe(url);
    expect(asked).toEqual([`http://h ${path}`]);
    await response.discard();
  });
});

test("whoever is cancelled while it waits for its turn takes no turn with it", async () => {
  await run(async () => {
    await using server = await serveHttp((_, response) => setImmediate(() => response.end("x")));
    await using client = new HttpClient({ limits: { perHost: 2, total: 2 } });
    for (let turns = 0; turns < 20; turns++) {
      const tasks = Array.from({ length: 12 }, () =>
        createTask(async () => (await client.get(server.url)).text()),
      );
      for (let count = 0; count < turns; count++) await turn();
      for (const [index, task] of tasks.entries()) if (index % 3 !== 0) task.cancel();
      const outcomes = await gather(tasks, { returnExceptions: true });
      for (const outcome of outcomes) if (outcome !== "x") expect(outcome).toBeInstanceOf(CancelledError);
      expect(outcomes.filter((_, index) => index % 3 === 0)).toEqual(["x", "x", "x", "x"]);
      expect(client.active).toBe(0);
    }
  });
});
