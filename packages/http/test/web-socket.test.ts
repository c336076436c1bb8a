import { openWebSocket, WebSocketClosedError } from "@brio/http";
import { CancelledError, createTask, run, sleep, TimeoutError } from "brio";
import { waitAllTasksBlocked } from "brio/testing";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { serveHttp, serveRaw } from "./loopback.ts";
import { type Peer, serveWebSockets } from "./web-socket-server.ts";

leavesNothing();

test("messages go both ways, as text and as bytes", async () => {
  await run(async () => {
    await using server = await serveWebSockets({ message: (peer, message) => peer.send(message) });
    await using socket = await openWebSocket(`${server.url}/chat`, {
      headers: { authorization: "Bearer t" },
      protocols: ["v2", "v1"],
    });
    expect(server.asked).toEqual(["/chat Bearer t"]);
    expect(socket.protocol).toBe("v2");
    await socket.send("héllo");
    await socket.send(new Uint8Array([1, 2]));
    expect(await socket.next()).toEqual({ done: false, value: "héllo" });
    expect(await socket.next()).toEqual({ done: false, value: Buffer.from([1, 2]) });
  });
});

test("a loop ends when the other side says goodbye, after all messages", async () => {
  await run(async () => {
    await using server = await serveWebSockets({
      open: (peer) => {
        peer.send("one");
        peer.send("two");
        peer.close(1000, "done");
      },
    });
    await using socket = await openWebSocket(server.url);
    const seen: unknown[] = [];
    for await (const message of socket) seen.push(message);
    expect(seen).toEqual(["one", "two"]);
    await expect(socket.send("late")).rejects.toMatchObject({ name: "WebSocketClosedError", code: 1000 });
  });
});

test("a loop that is left says goodbye", async () => {
  await run(async () => {
    const goodbyes: number[] = [];
    await using server = await serveWebSockets({
      open: (peer) => void peer.send("one"),
      goodbye: (peer, code) => {
        goodbyes.push(code);
        peer.close(code);
      },
    });
    for await (const message of await openWebSocket(server.url)) {
      expect(message).toBe("one");
      break;
    }
    expect(goodbyes).toEqual([1000]);
    await server.until(() => server.sockets.size === 0);
  });
});

test.each([
  ["a lost connection", (peer: Peer) => void peer.socket.destroy(), 1006],
  ["a goodbye because of an error", (peer: Peer) => peer.close(1011, "broken"), 1011],
])("%s is an error, after the messages that have come", async (_, end, code) => {
  await run(async () => {
    await using server = await serveWebSockets({
      open: (peer) => void peer.send("one"),
      message: (peer) => end(peer),
    });
    await using socket = await openWebSocket(server.url);
    await socket.send("now");
    expect((await socket.next()).value).toBe("one");
    const error = await socket.next().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(WebSocketClosedError);
    expect(error).toMatchObject({ code, reason: code === 1011 ? "broken" : "", url: socket.url });
  });
});

test("what is no WebSocket is an error", async () => {
  await run(async () => {
    await using server = await serveHttp((_, response) => response.writeHead(403).end());
    const error = await openWebSocket(server.url).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(WebSocketClosedError);
    expect(String(error)).toContain("could not be opened");
    await expect(openWebSocket("ftp://x/")).rejects.toThrow("url must begin with ws:// or wss://");
    await expect(openWebSocket(server.url, { maxMessageBytes: 0 })).rejects.toThrow(
      "maxMessageBytes must be an integer",
    );
  });
});

test("cancelled in the handshake, and when its time is over, the connection is gone", async () => {
  await run(async () => {
    await using server = await serveRaw(() => {});
    const task = createTask(() => openWebSocket(server.url));
    await server.until(() => server.sockets.size === 1);
    task.cancel();
    await expect(task).rejects.toBeInstanceOf(CancelledError);
    await server.until(() => server.sockets.size === 0);
    await expect(openWebSocket(server.url, { timeout: 30 })).rejects.toBeInstanceOf(TimeoutError);
    await server.until(() => server.sockets.size === 0);
  });
});

test("cancelled while it waits for a message; and while it does something else", async () => {
  await run(async () => {
    await using server = await serveWebSockets({});
    for (const wait of ["next", "sleep"] as const) {
      const task = createTask(async () => {
        const socket = await openWebSocket(server.url);
        if (wait === "next") await socket.next();
        else await sleep("1h");
      });
      await server.until(() => server.sockets.size === 1);
      await waitAllTasksBlocked();
      task.cancel();
      await expect(task).rejects.toBeInstanceOf(CancelledError);
      await server.until(() => server.sockets.size === 0);
    }
  });
});

test("a cancelled wait loses no message", async () => {
  await run(async () => {
    const peers: Peer[] = [];
    await using server = await serveWebSockets({ open: (peer) => void peers.push(peer) });
    await using socket = await openWebSocket(server.url);
    const waiting = createTask(() => socket.next());
    await waitAllTasksBlocked();
    waiting.cancel();
    await expect(waiting).rejects.toBeInstanceOf(CancelledError);
    peers[0]?.send("kept");
    expect((await socket.next()).value).toBe("kept");
    expect(server.connections).toBe(1);
  });
});

test("messages that nobody takes stop the other side", async () => {
  await run(async () => {
    let sent = 0;
    let stopped = false;
    const total = 400;
    await using server = await serveWebSockets({
      open: (peer, loopback) => {
        const more = (): void => {
          stopped = false;
          while (sent < total) {
            sent++;
            if (!peer.send(Buffer.alloc(100_000, sent % 256))) break;
          }
          stopped = true;
          loopback.note();
        };
        peer.socket.on("drain", more);
        more();
      },
    });
    await using socket = await openWebSocket(server.url, { highWaterMark: 200_000 });
    await server.until(() => stopped);
    for (let turn = 0; turn < 200; turn++) await sleep(0);
    await sleep(50);
    expect(sent).toBeLessThan(total);
    for (let index = 1; index <= total; index++) {
      const { value } = await socket.next();
      expect((value as Buffer)[0]).toBe(index % 256);
    }
  });
});

test("a message that is too large ends the connection", async () => {
  await run(async () => {
    await using server = await serveWebSockets({ open: (peer) => void peer.send(Buffer.alloc(5000)) });
    await using socket = await openWebSocket(server.url, { maxMessageBytes: 1000 });
    await expect(socket.next()).rejects.toBeInstanceOf(WebSocketClosedError);
  });
});

test("an other side that does not say goodbye is left after a while", async () => {
  await run(async () => {
    await using server = await serveWebSockets({ goodbye: () => {}, silent: true });
    const socket = await openWebSocket(server.url);
    await socket.close();
    await socket.close();
    await server.until(() => server.sockets.size === 0);
  });
});
