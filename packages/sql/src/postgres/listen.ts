import { Queue, QueueShutDown } from "brio";
import { ConnectionLostError } from "../statement/errors.ts";
import type { PgClient } from "./cancel-request.ts";
import type { PostgresConnection } from "./connection.ts";

/** What somebody has told with `notify`. */
export interface Notification {
  /** Over which channel. */
  readonly channel: string;
  /** Empty if there was none. */
  readonly payload: string;
  /** The process of the server that serves who told it. */
  readonly processId: number;
}

/** So many are kept; then no more are read, and the server keeps them. */
const HIGH = 1000;
const LOW = 100;

/**
 * What comes over some channels, from when it is made until it is closed: `for await`, `await using`.
 *
 * The loop ends with ConnectionLostError when the connection does: what came meanwhile is lost, so look at the tables
 * before listening again.
 */
export class Subscription implements AsyncIterable<Notification>, AsyncDisposable {
  private readonly connection: PostgresConnection;
  private readonly queue = new Queue<Notification>();
  private paused = false;
  private closed = false;

  /** @internal */
  constructor(connection: PostgresConnection) {
    this.connection = connection;
    const client = connection.raw;
    client.on("notification", this.came);
    client.on("error", this.lost);
    client.on("end", this.lost);
  }

  /**
   * The next notification.
   *
   * *Cancel safety*: a cancelled `next` has taken none.
   *
   * @throws ConnectionLostError when no more can come.
   */
  async next(): Promise<Notification> {
    try {
      const notification = await this.queue.get();
      if (this.paused && this.queue.qsize() < LOW) this.flow(false);
      return notification;
    } catch (error) {
      if (!(error instanceof QueueShutDown)) throw error;
      const why = this.closed
        ? "it was closed"
        : "the connection to PostgreSQL is lost, and with it what came since";
      throw new ConnectionLostError(`no notification can come any more: ${why}`);
    }
  }

  /**
   * The notifications, one after the other. The end of the loop closes the subscription.
   *
   * *Cancel safety*: cancelled, no more come: the subscription is closed.
   *
   * @throws ConnectionLostError when the connection is lost.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Notification, void, undefined> {
    try {
      for (;;) yield await this.next();
    } finally {
      await this.close();
    }
  }

  /**
   * Stops listening.
   *
   * *Cancel safety*: it waits for nothing.
   */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.connection.raw.off("notification", this.came);
    this.queue.shutdown({ immediate: true });
    // Nothing is lost with it, and it needn't wait for a server.
    this.connection.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private readonly came = (message: {
    channel: string;
    payload?: string | undefined;
    processId: number;
  }): void => {
    const { channel, payload = "", processId } = message;
    this.queue.putNowait({ channel, payload, processId });
    if (!this.paused && this.queue.qsize() >= HIGH) this.flow(true);
  };

  private readonly lost = (): void => {
    this.queue.shutdown();
  };

  private flow(stop: boolean): void {
    this.paused = stop;
    const { stream }: PgClient["connection"] = this.connection.raw.connection;
    if (stop) stream.pause();
    else stream.resume();
  }
}
