import { spawnSync } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { interruptible, retry } from "brio";
import { openConnection } from "brio/streams";
import { createSubprocessExec, DEVNULL, type Process } from "brio/subprocess";
import { describe } from "vitest";

/** Tests that stop and start a Redis of their own. Where there is no redis-server, they are skipped, and say so. */
export const describeWithRedisServer = (name: string, body: () => void): void => {
  const found = spawnSync("redis-server", ["--version"]).status === 0;
  if (!found && process.env.BRIO_REQUIRE_SERVICES === "1") {
    throw new Error(
      "there is no redis-server on the PATH, and BRIO_REQUIRE_SERVICES=1 says that there must be",
    );
  }
  if (found) describe(name, body);
  else describe.skip(`${name} (no redis-server on the PATH: install Redis)`, body);
};

/** A Redis that can be killed and started again. It keeps what it has acknowledged, as one in production should. */
export class RedisServer implements AsyncDisposable {
  readonly url: string;
  private readonly port: number;
  private readonly folder: string;
  private process: Process<null, null, null> | null = null;

  private constructor(port: number, folder: string) {
    this.port = port;
    this.folder = folder;
    this.url = `redis://127.0.0.1:${port}`;
  }

  /** @param folder where it may keep its data */
  static async start(folder: string): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), folder);
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    const durable = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""];
    const args = ["--port", String(this.port), "--bind", "127.0.0.1", "--dir", this.folder, ...durable];
    const nowhere = { stdin: DEVNULL, stdout: DEVNULL, stderr: DEVNULL } as const;
    this.process = await createSubprocessExec("redis-server", args, nowhere);
    await retry(() => this.ping(), { attempts: 500, backoff: "20ms", jitter: 0 });
  }

  private async ping(): Promise<void> {
    const [reader, writer] = await openConnection("127.0.0.1", this.port);
    writer.write("PING\r\n");
    const answer = (await reader.readLine()).toString();
    writer.close();
    await writer.waitClosed();
    // While it loads its data, it says so.
    if (!answer.startsWith("+PONG")) throw new Error(answer);
  }

  /** Without any warning. */
  async kill(): Promise<void> {
    this.process?.kill();
    await this.process?.wait();
    this.process = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process?.[Symbol.asyncDispose]();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await interruptible(once(server, "listening"));
  const { port } = server.address() as AddressInfo; // it listens, and to TCP
  server.close();
  await interruptible(once(server, "close"));
  return port;
}
