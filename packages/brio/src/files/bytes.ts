import type { FileHandle } from "node:fs/promises";
import type { Stop } from "./operation.ts";

/** At most so much is read or written in one step: between two steps an operation can be told to stop. */
export const STEP: number = 2 ** 19;

/** Reads `length` bytes, fewer only at the end of the file. `position` null: where the system stands. */
export async function readBytes(
  handle: FileHandle,
  position: number | null,
  length: number,
  stop: Stop,
): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  while (size < length) {
    const room = Buffer.allocUnsafeSlow(Math.min(length - size, STEP));
    const at = position === null ? null : position + size;
    const { bytesRead } = await handle.read(room, 0, room.length, at);
    if (bytesRead > 0) parts.push(room.subarray(0, bytesRead));
    size += bytesRead;
    // What has no position (a pipe, a terminal) gives what there is, and has lost it then.
    if (bytesRead === 0 || position === null) break;
    stop.check();
  }
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, size);
}

/** Reads from `position` to the end of the file, wherever that is by then. */
export async function readToEnd(handle: FileHandle, position: number | null, stop: Stop): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  const { size: expected } = await handle.stat();
  for (;;) {
    const at = position === null ? null : position + size;
    // One byte more than there should be: so the end of a small file is seen at once, and files of /proc have no size.
    const room = Math.max(expected - (at ?? 0) + 1, SMALLEST);
    const part = await readBytes(handle, at, Math.min(room, STEP), stop);
    if (part.length === 0) break;
    parts.push(part);
    size += part.length;
    if (position !== null) stop.check();
    else if (stop.asked) break; // it can't be read again: the caller keeps it
  }
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, size);
}

/** For what does not say how long it is. */
const SMALLEST = 2 ** 13;

/** Writes all of `data`; tells `wrote` of each part when it has been written. */
export async function writeBytes(
  handle: FileHandle,
  data: Uint8Array,
  position: number | null,
  stop: Stop,
  wrote: (length: number) => void = () => {},
): Promise<void> {
  let done = 0;
  while (done < data.length) {
    stop.check();
    const length = Math.min(data.length - done, STEP);
    const { bytesWritten } = await handle.write(
      data,
      done,
      length,
      position === null ? null : position + done,
    );
    done += bytesWritten;
    wrote(bytesWritten);
  }
}
