import diagnostics from "node:diagnostics_channel";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import net, { type Socket } from "node:net";
import { join } from "node:path";
import { HttpClient, type HttpEvent } from "@brio/http";
import { CancelledError, createTask, gather, interruptible, run } from "brio";
import { interceptors } from "undici";
import { expect, onTestFinished, test, vi } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { folder } from "./file-server.ts";
import { type Echo, echo, Loopback, serveHttp } from "./loopback.ts";

leavesNothing();

const certificate = (name: string): string =>
  readFileSync(new URL(`../../brio/test/streams/certificates/${name}`, import.meta.url), "utf8");
const server_ = { cert: certificate("server.crt"), key: certificate("server.key") };
const ca = certificate("ca.crt");

/** Waits until a server listens. */
async function listening(server: net.Server, path?: string): Promise<Loopback> {
  if (path === undefined) server.listen(0, "127.0.0.1");
  else server.listen(path);
  await interruptible(once(server, "listening"));
  return new Loopback(server);
}

test("TLS: certificates are checked, with options as of tls.connect", async () => {
  await run(async () => {
    await using server = await listening(https.createServer(server_, echo));
    const url = `https://localhost:${server.port}/`;
    await using strict = new HttpClient({ retry: false });
    const error = await strict.get(url).catch((error: unknown) => error);
    expect(error).toMatchObject({ name: "HttpConnectionError", sent: false });
    expect((error as { code: string }).code).toMatch(/SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET/);
    await using trusting = new HttpClient({ tls: { ca } });
    expect(await (await trusting.get(url)).json()).toMatchObject({ method: "GET" });
  });
});

test("a client's certificate", async () => {
  await run(async () => {
    const seen: boolean[] = [];
    const options = { ...server_, ca, requestCert: true, rejectUnauthorized: true };
    await using server = await listening(
      https.createServer(options, (request, response) => {
        seen.push((request.socket as Socket & { authorized: boolean }).authorized);
        response.end("ok");
      }),
    );
    const tls = { ca, cert: certificate("client.crt"), key: certificate("client.key") };
    await using client = new HttpClient({ tls });
    expect(await (await client.get(`https://localhost:${server.port}/`)).text()).toBe("ok");
    expect(seen).toEqual([true]);
  });
});

test("HTTP/2: many requests over one connection; a cancelled one resets its stream only", async () => {
  await run(async () => {
    const closed: string[] = [];
    const streams: string[] = [];
    const server = http2.createSecureServer(server_);
    server.on("stream", (stream, headers) => {
      streams.push(String(headers[":path"]));
      loopback.note();
      stream.on("error", () => {});
      stream.on("close", () => {
        closed.push(String(headers[":path"]));
        loopback.note();
      });
      if (headers[":path"] === "/silent") return;
      stream.respond({ ":status": 200 });
      stream.end(`h2 ${headers[":path"]}`);
    });
    server.on("session", (session) => session.on("error", () => {}));
    await using loopback = await listening(server);
    await using client = new HttpClient({
      baseUrl: `https://localhost:${loopback.port}`,
      http2: true,
      tls: { ca },
      limits: { connections: 1 },
    });
    expect(await (await client.get("/first")).text()).toBe("h2 /first");
    const silent = createTask(() => client.get("/silent"));
    await loopback.until(() => streams.includes("/silent"));
    const texts = await gather([1, 2, 3].map((n) => async () => (await client.get(`/${n}`)).text()));
    expect(texts).toEqual(["h2 /1", "h2 /2", "h2 /3"]);
    silent.cancel();
    await expect(silent).rejects.toBeInstanceOf(CancelledError);
    await loopback.until(() => closed.includes("/silent"));
    expect(await (await client.get("/last")).text()).toBe("h2 /last");
    expect(loopback.connections).toBe(1);
  });
});

/** A proxy that tunnels, and notes where to. */
async function proxy(asked: string[]): Promise<Loopback> {
  const server = http.createServer((_, response) => response.writeHead(400).end());
  server.on("connect", (request, socket: Socket, head: Buffer) => {
    asked.push(`${request.url} ${request.headers["proxy-authorization"] ?? ""}`.trim());
    const [host = "", port] = (request.url ?? "").split(":");
    const upstream = net.connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      upstream.write(head);
      upstream.pipe(socket).pipe(upstream);
    });
    for (const end of [socket, upstream]) {
      end.on("error", () => {});
      end.on("close", () => (end === socket ? upstream : socket).destroy());
    }
  });
  return await listening(server);
}

test("through a proxy, with a name and a password; the tunnel ends with a cancelled request", async () => {
  await run(async () => {
    const asked: string[] = [];
    await using through = await proxy(asked);
    await using server = await serveHttp((request, response) => {
      if (request.url !== "/silent") void echo(request, response);
    });
    await using client = new HttpClient({
      proxy: through.url.replace("//", "//ann:pass@"),
      baseUrl: server.url,
    });
    expect(await (await client.get("/x")).json()).toMatchObject({ url: "/x" });
    expect(asked).toEqual([`127.0.0.1:${server.port} Basic ${Buffer.from("ann:pass").toString("base64")}`]);
    const task = createTask(() => client.get("/silent"));
    await server.until(() => server.asked.includes("GET /silent"));
    task.cancel();
    await expect(task).rejects.toBeInstanceOf(CancelledError);
    expect(client.active).toBe(0);
  });
});

test('proxy: "environment" goes by HTTP_PROXY and NO_PROXY', async () => {
  await run(async () => {
    const asked: string[] = [];
    await using through = await proxy(asked);
    await using server = await serveHttp(echo);
    vi.stubEnv("HTTP_PROXY", through.url);
    vi.stubEnv("http_proxy", through.url);
    onTestFinished(() => void vi.unstubAllEnvs());
    vi.stubEnv("NO_PROXY", "");
    vi.stubEnv("no_proxy", "");
    await using client = new HttpClient({ proxy: "environment" });
    await (await client.get(server.url)).text();
    expect(asked.length).toBe(1);
    vi.stubEnv("NO_PROXY", "127.0.0.1");
    vi.stubEnv("no_proxy", "127.0.0.1");
    await using direct = new HttpClient({ proxy: "environment" });
    await (await direct.get(server.url)).text();
    expect(asked.length).toBe(1);
  });
});

test("a Unix socket", async () => {
  await run(async () => {
    const path = join(folder(), "api.sock");
    const server = http.createServer(echo).listen(path);
    await interruptible(once(server, "listening"));
    {
      await using client = new HttpClient({ socketPath: path, baseUrl: "http://localhost/" });
      expect(await (await client.get("v1/info")).json<Echo>()).toMatchObject({ url: "/v1/info" });
    }
    const closed = once(server, "close");
    server.close();
    await interruptible(closed);
  });
});

test("undici's interceptors: the first is the outermost", async () => {
  await run(async () => {
    await using server = await serveHttp(echo);
    const order: string[] = [];
    const named =
      (name: string): ReturnType<typeof interceptors.dump> =>
      (dispatch) =>
      (options, handler) => {
        order.push(name);
        return dispatch(options, handler);
      };
    await using client = new HttpClient({
      interceptors: [named("outer"), named("inner"), interceptors.dns()],
    });
    const url = server.url.replace("127.0.0.1", "localhost");
    expect((await (await client.get(url)).json<Echo>()).headers.host).toBe(`localhost:${server.port}`);
    expect(order).toEqual(["outer", "inner"]);
  });
});

test("events for traces: as a hook that can add headers, and on channels", async () => {
  await run(async () => {
    await using server = await serveHttp((request, response) => {
      if (request.url === "/old") response.writeHead(302, { location: "/new" }).end();
      else void echo(request, response);
    });
    const onChannel: HttpEvent[] = [];
    for (const type of ["request", "response", "redirect", "retry", "error", "end"]) {
      const listener = (event: unknown): void => void onChannel.push(event as HttpEvent);
      diagnostics.subscribe(`brio:http:${type}`, listener);
      onTestFinished(() => void diagnostics.unsubscribe(`brio:http:${type}`, listener));
    }
    const events: HttpEvent[] = [];
    await using client = new HttpClient({
      retry: false,
      onEvent: (event) => {
        events.push(event);
        if (event.type === "request") event.headers.traceparent = "00-trace";
      },
    });
    const seen = await (await client.get(`${server.url}/old`)).json<Echo>();
    expect(seen.headers.traceparent).toBe("00-trace");
    expect(events.map(({ type }) => type).filter((type) => type !== "end")).toEqual([
      "request",
      "response",
      "redirect",
      "request",
      "response",
    ]);
    expect(events.filter(({ type }) => type === "end")).toMatchObject([
      { complete: true },
      { complete: true },
    ]);
    expect(new Set(events.map(({ id }) => id)).size).toBe(1);
    expect(events.find(({ type }) => type === "redirect")).toMatchObject({
      status: 302,
      location: `${server.url}/new`,
      url: `${server.url}/old`,
    });
    await expect(client.get("http://127.0.0.1:1/")).rejects.toThrow();
    expect(events.at(-1)).toMatchObject({
      type: "error",
      error: { code: "ECONNREFUSED" },
      url: "http://127.0.0.1:1/",
    });
    expect(onChannel).toEqual(events);
  });
});

test("cancelled at any moment: nothing is left, and the next request works", async () => {
  await run(async () => {
    let times = 0;
    await using server = await serveHttp((request, response) => {
      if (request.url === "/start") return response.writeHead(307, { location: "/busy" }).end();
      if (request.url === "/busy")
        return response.writeHead(times++ % 2 === 0 ? 503 : 307, { location: "/done" }).end();
      response.write("one ");
      return setImmediate(() => response.end("two"));
    });
    const client = new HttpClient({ baseUrl: server.url, retry: { backoff: 0 }, limits: { perHost: 1 } });
    let completed = 0;
    for (let turns = 0; turns < 60; turns++) {
      async function* body(): AsyncGenerator<string> {
        yield "a body";
      }
      const task = createTask(async () => (await client.put("/start", { body })).text());
      for (let turn = 0; turn < turns; turn++)
        await interruptible(new Promise((resolve) => setImmediate(resolve)));
      if (task.done()) completed++;
      else task.cancel();
      const outcome = await task.catch((error: unknown) => error);
      if (outcome !== "one two") expect(outcome).toBeInstanceOf(CancelledError);
      expect(client.active).toBe(0);
    }
    expect(await (await client.get("/done")).text()).toBe("one two");
    await client.close();
    await server.until(() => server.sockets.size === 0);
    expect(completed).toBeLessThan(60);
  });
});
