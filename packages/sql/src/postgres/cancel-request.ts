import type pg from "pg";

/** What pg's clients have, beside what their declarations say. */
export interface PgClient extends Omit<pg.Client, "connection"> {
  readonly processID: number | null;
  readonly secretKey: number | null;
  readonly connection: PgConnection;
}

/** pg's connection, which can be had without a client. */
export interface PgConnection {
  readonly stream: { destroy(): void; pause(): void; resume(): void };
  connect(portOrPath: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processID: number, secretKey: number): void;
  on(event: string, listener: (error?: Error) => void): void;
}

/** The class, which is exported and not declared. */
export type PgConnectionClass = new (options: { ssl: unknown; sslNegotiation?: unknown }) => PgConnection;

/**
 * Sends a CancelRequest: over a connection of its own, as the protocol wants it. The server closes that when it has told
 * the other process: so when this settles, what is sent over the client's connection from now on is not hit any more.
 */
export function cancelRequest(
  Connection: PgConnectionClass,
  client: PgClient,
  patience: number,
): Promise<void> {
  const { processID, secretKey, host, port } = client;
  return new Promise((resolve, reject) => {
    if (processID === null || secretKey === null) {
      reject(new Error("the server gave no key to cancel with"));
      return;
    }
    const { ssl, sslNegotiation } = client as unknown as { ssl: unknown; sslNegotiation?: unknown }; // pg's own options
    const connection = new Connection({ ssl, sslNegotiation });
    const late = setTimeout(() => end(new Error("the CancelRequest got no answer in time")), patience);
    const end = (error?: Error): void => {
      clearTimeout(late);
      connection.stream.destroy();
      if (error === undefined) resolve();
      else reject(error);
    };
    const ask = (): void => connection.cancel(processID, secretKey);
    connection.on("connect", () => {
      if (ssl && sslNegotiation !== "direct") connection.requestSsl();
      else if (!ssl) ask();
    });
    connection.on("sslconnect", ask);
    connection.on("error", end);
    connection.on("end", () => end());
    if (host.startsWith("/")) connection.connect(`${host}/.s.PGSQL.${port}`);
    else connection.connect(port, host);
  });
}
