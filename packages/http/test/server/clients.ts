import { once } from "node:events";
import { type Agent, type IncomingMessage, request } from "node:http";
import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  /** False if the connection was cut off in the middle. */
  readonly whole: boolean;
}

export interface Asking {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly agent?: Agent;
}

/** Sends a request over a connection of its own, and reads the whole answer. */
export async function ask(port: number, path: string, asking: Asking = {}): Promise<Answer> {
  const { method = "GET", headers = {}, body, agent } = asking;
  const sent = request({
    port,
    host: "127.0.0.1",
    path,
    method,
    headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
    agent: agent ?? false,
  });
  sent.end(body);
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  let text = "";
  response.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
  });
  const whole = await new Promise<boolean>((resolve) => {
    response.on("end", () => resolve(true));
    response.on("error", () => resolve(false));
    response.on("close", () => resolve(response.complete));
  });
  return { status: response.statusCode as number, headers: response.headers, body: text, whole };
}

/** A client that speaks HTTP by hand. */
export class RawClient {
  readonly socket: Socket;
  private text = "";
  private readonly readers = new Set<() => void>();

  static async connect(port: number): Promise<RawClient> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return new RawClient(socket);
  }

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => {}); // it may be reset
    socket.setEncoding("latin1").on("data", (piece: string) => {
      this.text += piece;
      for (const reader of this.readers) reader();
    });
    onTestFinished(() => void socket.destroy());
  }

  send(text: string): void {
    this.socket.write(text);
  }

  get(path: string, headers = ""): void {
    this.send(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`);
  }

  get received(): string {
    return this.text;
  }

  /** Waits until it has received `part`, as often as `times`; or throws at the end of the connection. */
  async until(part: string, times = 1): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const forget = (): void => {
        this.readers.delete(look);
        this.socket.removeListener("close", ended);
      };
      const look = (): void => {
        if (this.text.split(part).length <= times) return;
        forget();
        resolve();
      };
      const ended = (): void => {
        forget();
        reject(new Error(`the connection ended; received was ${JSON.stringify(this.text)}`));
      };
      this.readers.add(look);
      this.socket.once("close", ended);
      look();
    });
  }

  /** Waits for the end of the connection; gives all that was received. */
  async end(): Promise<string> {
    if (!this.socket.closed) await once(this.socket, "close");
    return this.text;
  }

  /** Goes away without a word. */
  leave(): void {
    this.socket.resetAndDestroy();
  }
}
