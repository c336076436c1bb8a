import { inspect } from "node:util";
import { Redis, type RedisOptions } from "ioredis";
import { RedisConnectionError } from "./errors.ts";

/** Where Redis is: a URL such as `redis://user:password@host:6379/0`, or the options of ioredis. */
export type RedisAddress = string | URL | ClientOptions;

/** BullMQ and brio read replies as ioredis gives them by default. */
type ClientOptions = Omit<RedisOptions, "replyMapping">;

/** The longest pause between two attempts to connect again, in milliseconds. */
const LONGEST_PAUSE = 2000;

/**
 * A client for `address` that connects when it is told to, and from then on again and again: what is sent meanwhile waits.
 * */
export function redisClient(address: RedisAddress, name: string): Redis {
  const options: ClientOptions = {
    lazyConnect: true,
    // BullMQ asks for it: a command waits for the connection, however long that takes.
    maxRetriesPerRequest: null,
    retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 10), LONGEST_PAUSE),
    connectionName: name,
  };
  if (typeof address === "string" || address instanceof URL) return new Redis(String(address), options);
  return new Redis({ ...options, ...address, lazyConnect: true, maxRetriesPerRequest: null });
}

/** @throws TypeError unless it is an address. */
export function checkAddress(address: RedisAddress): void {
  if (typeof address === "string" || address instanceof URL) {
    const url = String(address);
    if (URL.canParse(url) && /^(?:redis|rediss|unix):$/.test(new URL(url).protocol)) return;
    throw new TypeError(
      `connection is no URL of Redis: ${inspect(url)}; write "redis://host:6379", or "rediss://..." for TLS`,
    );
  }
  if (typeof address === "object" && address !== null) return;
  throw new TypeError(
    `connection must say where Redis is: { connection: "redis://127.0.0.1:6379" }, or the options of ioredis; got ${inspect(address)}`,
  );
}

/** Host and port, or path, for people. */
export function addressOf(client: Redis): string {
  const { host, port, path } = client.options;
  return path ?? `${host}:${port}`;
}

/** Can something be sent now, or has it to wait? */
export function isConnected(client: Redis): boolean {
  return client.status === "ready";
}

/**
 * Connects for the first time. That must not take for ever: a wrong address would look like a slow queue. What is lost
 * later is made anew without end.
 *
 * @throws RedisConnectionError if it takes longer than `timeout` milliseconds; the client can be used again.
 */
export async function connect(client: Redis, timeout: number): Promise<void> {
  if (isConnected(client)) return;
  let lastError: unknown;
  let timer: NodeJS.Timeout | undefined;
  const noted = (error: unknown): void => {
    lastError = error;
  };
  client.on("error", noted);
  try {
    await new Promise<void>((resolve, reject) => {
      client.once("ready", resolve);
      timer = setTimeout(() => {
        client.off("ready", resolve);
        reject(new RedisConnectionError(addressOf(client), timeout, lastError));
      }, timeout);
      // Its own promise speaks of the first attempt only.
      if (client.status === "wait" || client.status === "end") client.connect().catch(noted);
    });
  } catch (error) {
    client.disconnect();
    throw error;
  } finally {
    clearTimeout(timer);
    client.off("error", noted);
  }
}

/**
 * Waits for `work`, or until the connection is lost. What ends in order waits for the end of a connection; and one that is lost,
 * maybe unnoticed as yet, is tried again and has none.
 */
export async function untilLost(client: Redis, work: Promise<unknown>): Promise<void> {
  let lost = (): void => {};
  const loss = new Promise<void>((resolve) => {
    lost = resolve;
  });
  client.once("close", lost);
  if (!isConnected(client)) lost();
  try {
    await Promise.race([work.catch(() => {}), loss]);
  } finally {
    client.off("close", lost);
  }
}

/** Closes a client. What it still has to send is sent if there is a connection. */
export async function disconnect(client: Redis): Promise<void> {
  if (isConnected(client)) await untilLost(client, client.quit());
  client.disconnect();
}
