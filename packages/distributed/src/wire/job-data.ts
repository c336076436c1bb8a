import { inspect } from "node:util";
import { bytesOf, decode, type Encoded, encode, type Payload } from "./payload.ts";

/** What is stored as the data of a job. */
export interface JobData {
  /** The version of this format. */
  readonly brio: 1;
  /** The arguments. */
  readonly args: Payload;
  /** How long the function may run, in milliseconds. */
  readonly timeout?: number | undefined;
  /** How long it may take to stop, in milliseconds. */
  readonly grace?: number | undefined;
  /** How large its result may be, in bytes. */
  readonly maxResultBytes?: number | undefined;
  /** Values of context variables that travel with the call. */
  readonly context?: Payload | undefined;
  /** Which submission this is, where several may have the same id. */
  readonly submission?: string | undefined;
}

/**
 * Packs the arguments of a call.
 *
 * @throws TypeError if one of them can't be sent; RangeError if they are too large.
 */
export function packArguments(functionId: string, args: readonly unknown[], limit: number): Payload {
  let encoded: Encoded;
  try {
    encoded = encode(args);
  } catch (cause) {
    throw new TypeError(unsendable(functionId, args), { cause });
  }
  const bytes = bytesOf(encoded, limit);
  if (bytes <= limit) return encoded.payload;
  throw new RangeError(
    `the arguments of ${functionId} take ${bytes} bytes, more than maxArgumentBytes (${limit}) allows: Redis would keep them ` +
      "in memory. Write them to a file or a store that the workers reach, and pass its path; or raise the limit",
  );
}

function unsendable(functionId: string, args: readonly unknown[]): string {
  const at = args.findIndex((arg) => !canBeSent(arg));
  const which = at < 0 ? "the arguments" : `argument ${at + 1} (${inspect(args[at], { depth: 0 })})`;
  return `${which} of ${functionId} can't be sent to another machine: pass plain data, without functions, streams and handles`;
}

function canBeSent(value: unknown): boolean {
  try {
    encode(value);
    return true;
  } catch {
    return false;
  }
}

/**
 * The data of a job, if it is one of these.
 *
 * @throws TypeError if something else has put it into the queue.
 */
export function readJobData(name: string, data: unknown): JobData {
  if (typeof data === "object" && data !== null && (data as JobData).brio === 1) return data as JobData; // its mark
  throw new TypeError(
    `the job ${name} was not made by a DistributedExecutor: its data is ${inspect(data, { depth: 0 })}. ` +
      "Let other producers use a queue and workers of their own",
  );
}

/** The arguments of a job. */
export function argumentsOf(data: JobData): unknown[] {
  return decode(data.args) as unknown[]; // packArguments() was given a list
}
