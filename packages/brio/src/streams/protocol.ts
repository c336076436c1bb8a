import type { Transport } from "./transport.ts";

/**
 * What is told of a connection's events: the low-level pair of asyncio, for protocol code. All methods are optional; they
 * are called one at a time, outside of any task, with the context variables of where the connection was asked for. What one
 * of them throws is reported to the loop's exception handler, and aborts the connection.
 */
export interface Protocol {
  /** The connection stands. First of all, and once. */
  connectionMade?(transport: Transport): void;
  /** Bytes have come. */
  dataReceived?(data: Buffer): void;
  /** The other side will send no more. Return true to keep the connection open for writing; otherwise it is closed. */
  eofReceived?(): unknown;
  /** The connection is gone: last of all, and once. `error` is null if it was closed in order. */
  connectionLost?(error: Error | null): void;
  /** More than the high-water mark waits to be sent. */
  pauseWriting?(): void;
  /** No more than the low-water mark is left of that. */
  resumeWriting?(): void;
}
