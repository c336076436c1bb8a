import { ResultTooLargeError, serializeError } from "brio/threads";
import { UnrecoverableError } from "bullmq";
import { bytesOf, type Encoded, encode, type Payload } from "../wire/payload.ts";

/**
 * Packs what a function gave.
 *
 * @throws TypeError if it can't be sent; ResultTooLargeError.
 */
export function packResult(functionId: string, value: unknown, limit: number): Payload {
  let encoded: Encoded;
  try {
    encoded = encode(value);
  } catch (cause) {
    throw new TypeError(
      `what ${functionId} returned can't be sent to another machine: return plain data, without functions, streams and handles`,
      { cause },
    );
  }
  const bytes = bytesOf(encoded, limit);
  if (bytes > limit) throw new ResultTooLargeError(functionId, bytes, limit);
  return encoded.payload;
}

/** Packs what a function failed with. What makes it too large, its fields and causes, is left out. */
export function packError(thrown: unknown, limit: number): Payload {
  const data = serializeError(thrown);
  const encoded = encode(data);
  if (!("error" in data) || bytesOf(encoded, limit) <= limit) return encoded.payload;
  const { type, name, message, stack } = data.error;
  return encode({ error: { type, name, message, stack, fields: {} } }).payload;
}

/** The error as BullMQ is to note it: for people and dashboards. The other end gets the packed one. */
export function noteOf(thrown: unknown, final: boolean): Error {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const message = /^(?:Error)?$/.test(error.name) ? error.message : `${error.name}: ${error.message}`;
  const note = final ? new UnrecoverableError(message) : new Error(message);
  note.stack = error.stack ?? String(error);
  return note;
}
