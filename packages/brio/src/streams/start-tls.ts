import type { Socket } from "node:net";
import { createServer } from "node:tls";
import { interruptible } from "../cancel/foreign.ts";
import { timeout } from "../compose/timeout.ts";
import type { ServerTlsOptions } from "./server-options.ts";
import { handshakeLimit } from "./tls-options.ts";

/**
 * Encrypts a connection that stands, from the server's side: what a TLS server does with a connection that it has accepted,
 * without the server.
 */
export async function encryptAsServer(socket: Socket, options: ServerTlsOptions): Promise<Socket> {
  const { handshakeTimeout, ...tls } = options;
  return await timeout(handshakeLimit(handshakeTimeout), () =>
    interruptible(
      (signal) =>
        new Promise<Socket>((resolve, reject) => {
          const server = createServer(tls);
          const aborted = (): void => {
            socket.destroy();
            reject(signal.reason);
          };
          signal.addEventListener("abort", aborted);
          server.once("secureConnection", (secured) => {
            signal.removeEventListener("abort", aborted);
            secured.on("error", (error) => secured.destroy(error)); // before it is taken up: `errored` tells
            resolve(secured);
          });
          server.once("tlsClientError", (error) => {
            signal.removeEventListener("abort", aborted);
            socket.destroy();
            reject(error);
          });
          socket.allowHalfOpen = false; // or Node would not see that the client goes away before it has shaken hands
          server.emit("connection", socket);
        }),
    ),
  );
}
