// As much of a WebSocket server as these tests need: short frames, whole messages.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { Duplex } from "node:stream";
import { type Loopback, serveHttp } from "./loopback.ts";

/** What RFC 6455 has the key hashed with. */
const MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** One client, seen from the server. */
export class Peer {
  readonly socket: Duplex;
  readonly received: (string | Buffer)[] = [];

  constructor(socket: Duplex) {
    this.socket = socket;
  }

  send(message: string | Buffer): boolean {
    return this.frame(typeof message === "string" ? 1 : 2, Buffer.from(message));
  }

  close(code: number, reason = ""): void {
    const head = Buffer.alloc(2);
    head.writeUInt16BE(code);
    this.frame(8, Buffer.concat([head, Buffer.from(reason)]));
  }

  frame(opcode: number, data: Buffer): boolean {
    const long = data.length > 125;
    const head = Buffer.alloc(long ? 10 : 2);
    head[0] = 0x80 | opcode;
    head[1] = long ? 127 : data.length;
    if (long) head.writeBigUInt64BE(BigInt(data.length), 2);
    return this.socket.write(Buffer.concat([head, data]));
  }
}

export interface WebSocketHandlers {
  open?(peer: Peer, server: Loopback): void;
  message?(peer: Peer, message: string | Buffer): void;
  /** The client says goodbye. By default it is said back. */
  goodbye?(peer: Peer, code: number): void;
  /** Leaves the connection open after a goodbye. */
  readonly silent?: boolean;
}

export async function serveWebSockets(handlers: WebSocketHandlers): Promise<Loopback> {
  const http = createServer();
  const server = await serveHttp((_, response) => response.writeHead(400).end("no WebSocket"), {
    create: (listener) => http.on("request", listener),
  });
  http.on("upgrade", (request, socket) => {
    const accept = createHash("sha1")
      .update(`${request.headers["sec-websocket-key"]}${MAGIC}`)
      .digest("base64");
    const protocol = request.headers["sec-websocket-protocol"]?.split(",")[0];
    server.asked.push(`${request.url} ${request.headers.authorization ?? ""}`);
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n` +
        `${protocol === undefined ? "" : `sec-websocket-protocol: ${protocol}\r\n`}\r\n`,
    );
    const peer = new Peer(socket);
    socket.on("end", () => socket.end());
    let bytes = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      for (let frame = frameOf(bytes); frame !== null; frame = frameOf(bytes)) {
        bytes = bytes.subarray(frame.length);
        hear(peer, frame.opcode, frame.data);
        server.note();
      }
    });
    handlers.open?.(peer, server);
  });
  const hear = (peer: Peer, opcode: number, data: Buffer): void => {
    if (opcode === 8) {
      if (handlers.goodbye !== undefined) handlers.goodbye(peer, data.readUInt16BE(0));
      else peer.frame(8, data);
      if (handlers.silent !== true) peer.socket.end();
      return;
    }
    const message = opcode === 1 ? data.toString() : data;
    peer.received.push(message);
    handlers.message?.(peer, message);
  };
  return server;
}

/** The first frame, if it has all come. Those of clients are masked. */
function frameOf(bytes: Buffer): { opcode: number; data: Buffer; length: number } | null {
  if (bytes.length < 2) return null;
  const short = (bytes[1] as number) & 0x7f;
  const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
  const start = 2 + extra + 4;
  if (bytes.length < start) return null;
  const size = extra === 0 ? short : extra === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (bytes.length < start + size) return null;
  const mask = bytes.subarray(start - 4, start);
  const data = Buffer.from(bytes.subarray(start, start + size));
  for (let at = 0; at < size; at++) data[at] = (data[at] as number) ^ (mask[at % 4] as number);
  return { opcode: (bytes[0] as number) & 0x0f, data, length: start + size };
}
