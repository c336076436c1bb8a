import { spawn } from "node:child_process";
import { once } from "node:events";
import { open } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { expect, it } from "vitest";
import { leavesNothing, leftSince, whatIsOpen } from "./left-behind.ts";

leavesNothing();

it("a listening server is seen, until it is closed", async () => {
  const before = whatIsOpen();
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const seen = [expect.stringMatching(/^descriptor of socket:/), "TCPServerWrap"];
  expect(await leftSince(before, 0)).toEqual(expect.arrayContaining(seen));
  server.close();
  expect(await leftSince(before)).toEqual([]);
});

it("a connection is seen that is paused and keeps no process alive", async () => {
  const server = createServer({ pauseOnConnect: true }, (socket) => socket.pipe(socket)).listen(
    0,
    "127.0.0.1",
  );
  await once(server, "listening");
  const before = whatIsOpen();
  const socket = connect((server.address() as { port: number }).port); // it is a TCP server
  await once(socket, "connect");
  socket.pause().unref();
  expect(await leftSince(before, 0)).not.toEqual([]);
  socket.destroy();
  server.close();
  expect(await leftSince(before)).toEqual([]);
});

it("an open file is seen, until it is closed", async () => {
  const before = whatIsOpen();
  const file = await open(new URL(import.meta.url));
  expect(await leftSince(before, 0)).toEqual([expect.stringMatching(/left-behind\.test\.ts$/)]);
  await file.close();
  expect(await leftSince(before)).toEqual([]);
});

it("a child process is seen, until it has ended", async () => {
  const before = whatIsOpen();
  const child = spawn("sleep", ["100"], { stdio: "ignore" });
  await once(child, "spawn");
  expect(await leftSince(before, 0)).toContain(`child process ${child.pid}`);
  child.kill();
  await once(child, "exit");
  expect(await leftSince(before)).toEqual([]);
});
