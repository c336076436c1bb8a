import { readdirSync, readlinkSync } from "node:fs";
import process from "node:process";
import { type EventLoop, getRunningLoop, interruptible, run } from "brio";
import {
  type DatagramSocket,
  type DatagramTarget,
  type OpenDatagramOptions,
  openDatagram,
} from "brio/streams";
import { expect } from "vitest";

/** The descriptors of this process that are sockets; null where the system does not say. */
function sockets(): string[] | null {
  if (process.platform !== "linux") return null;
  const links = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ""; // the descriptor that the list was read with
    }
  });
  return links.filter((link) => link.startsWith("socket:")).sort();
}

function handles(): string[] {
  return process.getActiveResourcesInfo().filter((name) => /UDP|GetAddrInfo/.test(name));
}

/** Runs a program, and checks that nothing of it is left: no socket, no handle, no report. */
export async function leavesNothing<T>(main: (loop: EventLoop) => Promise<T>): Promise<T> {
  const before = [sockets(), handles()];
  const reports: string[] = [];
  const value = await run(() => {
    const loop = getRunningLoop();
    loop.setExceptionHandler((_loop, { message, exception }) => reports.push(`${message} (${exception})`));
    return main(loop);
  });
  expect(reports).toEqual([]);
  // Node lets go of what was closed at the end of its turn.
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect([sockets(), handles()]).toEqual(before);
  return value;
}

/** Where nobody listens. */
export const nobody: DatagramTarget = { address: "127.0.0.1", port: 9 };

/** A socket on the loopback interface. */
export function local(options: OpenDatagramOptions = {}): Promise<DatagramSocket> {
  return openDatagram({ localAddress: "127.0.0.1", ...options });
}

/** Two sockets on the loopback interface. */
export async function two(
  body: (left: DatagramSocket, right: DatagramSocket) => Promise<unknown>,
  options: OpenDatagramOptions = {},
): Promise<void> {
  await using left = await local(options);
  await using right = await local(options);
  await body(left, right);
}

/** Waits, turn by turn of Node's loop, until something is so. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await interruptible(new Promise((resolve) => setImmediate(resolve)));
}

/** What a datagram says. */
export async function text(socket: DatagramSocket): Promise<string> {
  return (await socket.receive()).data.toString();
}

/** How a promise ends, in words: the code of a system's error, the name of another. */
export async function ending(promise: PromiseLike<unknown>): Promise<string> {
  try {
    const value = await promise;
    return value === undefined ? "done" : String(value);
  } catch (error) {
    const { code, name } = error as NodeJS.ErrnoException;
    return code ?? name;
  }
}
