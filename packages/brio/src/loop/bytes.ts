import { inspect } from "node:util";

/** Bytes, or text in the encoding that is given (default UTF-8). */
export type Data = Uint8Array | string;

/** Checks what a caller wants to be written or sent. */
export function checkData(data: Data): void {
  if (typeof data === "string" || data instanceof Uint8Array) return;
  throw new TypeError(
    `data must be bytes or text, such as Buffer.from([1, 2]) or "text"; got ${inspect(data)}`,
  );
}

/** The bytes of it. */
export function bytesOf(data: Data, encoding: BufferEncoding = "utf8"): Uint8Array {
  checkData(data);
  return typeof data === "string" ? Buffer.from(data, encoding) : data;
}
