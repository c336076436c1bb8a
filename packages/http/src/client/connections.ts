import { Client } from "undici";

/**
 * The connections to one origin, each for one exchange at a time. The one that was free last is taken first: so those that are not
 * needed for a while end.
 *
 * Not undici's Pool: that looks at all of its connections for each request, and takes one for free only a turn of Node's loop
 * after its answer has come. Here it is free at once, and undici sends when it has seen that the connection still stands.
 */
export class Connections {
  private readonly origin: string;
  private readonly options: Client.Options;
  private readonly free: Client[] = [];
  private readonly all = new Set<Client>();

  constructor(origin: string, options: Client.Options) {
    this.origin = origin;
    this.options = options;
  }

  /** One that nobody uses: an open one, or a new one. To be given back once. */
  take(): Client {
    return this.free.pop() ?? this.make();
  }

  /** The exchange over it has come to its end. */
  giveBack(client: Client): void {
    this.free.push(client);
  }

  /** The exchange over it has not come to its end: it is never used again. */
  drop(client: Client): void {
    // Undici may be in the middle of telling what happened.
    queueMicrotask(() => void this.end(client));
  }

  /** Ends those that nobody uses. */
  endFree(): void {
    for (const client of this.free.splice(0)) void this.end(client);
  }

  /** Ends all, and waits until they have ended. */
  async destroy(): Promise<void> {
    await Promise.all([...this.all].map((client) => this.end(client)));
  }

  private make(): Client {
    const client = new Client(this.origin, this.options);
    this.all.add(client);
    client.on("disconnect", () => {
      const place = this.free.indexOf(client);
      if (place === -1) return; // somebody uses it, and is told; or it makes a new connection
      this.free.splice(place, 1);
      this.drop(client);
    });
    return client;
  }

  private async end(client: Client): Promise<void> {
    await client.destroy();
    this.all.delete(client);
  }
}
