import { connect } from "node:net";
import { onTestFinished } from "vitest";
import { Child } from "../run/child.ts";

/**
 * A port at which connections are neither accepted nor refused, once its queue is full; for two are in it already. A
 * process of its own listens there and does nothing else.
 */
export async function deafServer(host: string): Promise<number> {
  const child = new Child(new URL("fixtures/deaf.ts", import.meta.url), [host]);
  const port = Number(await child.line());
  await Promise.all([1, 2].map(() => fill(host, port)));
  return port;
}

function fill(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port }, resolve);
    socket.once("error", reject);
    onTestFinished(() => void socket.destroy());
  });
}
