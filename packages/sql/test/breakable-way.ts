import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** A way to a server that can be cut, or stall. */
export class BreakableWay {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  /** Those of them to the server. */
  private readonly far = new WeakSet<Socket>();
  private stalled = false;

  private constructor(target: string) {
    const [host = "", port = ""] = target.split(":");
    this.server = createServer((near) => {
      const far = connect(Number(port), host);
      this.far.add(far);
      this.link(near, far);
      this.link(far, near);
    });
  }

  static async to(target: string): Promise<BreakableWay> {
    const proxy = new BreakableWay(target);
    proxy.server.listen(0, "127.0.0.1");
    await once(proxy.server, "listening");
    onTestFinished(async () => {
      proxy.cut();
      proxy.server.close();
      await once(proxy.server, "close");
    });
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Nothing goes through any more, and nobody is told. */
  stall(): void {
    this.stalled = true;
    for (const socket of this.sockets) socket.pause();
  }

  /** What the server is told still comes there; what it says goes through no more. */
  silence(): void {
    for (const socket of this.sockets) if (this.far.has(socket)) socket.pause();
  }

  resume(): void {
    this.stalled = false;
    for (const socket of this.sockets) socket.resume();
  }

  /** Cuts all connections that there are. */
  cut(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  private link(from: Socket, to: Socket): void {
    this.sockets.add(from);
    from.on("data", (chunk) => to.write(chunk));
    from.on("error", () => {});
    from.on("end", () => to.end());
    from.on("close", () => {
      this.sockets.delete(from);
      to.destroy();
    });
    if (this.stalled) from.pause();
  }
}
