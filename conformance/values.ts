/** How a trace shows values and errors (README §1), and which errors a `catch` clause takes. */
import {
  BrokenBarrierError,
  CancelledError,
  ExceptionGroup,
  InvalidStateError,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  RuntimeError,
  TimeoutError,
} from "brio";
import type { Match } from "./scenario.ts";

/** The scenario's own error; carries a tag. */
export class Err extends Error {
  override name = "Err";
  readonly tag: string;
  constructor(tag: string) {
    super(tag);
    this.tag = tag;
  }
}

/** Most derived first: a `BrokenBarrierError` is a `RuntimeError` too. */
const errorNames: readonly (readonly [abstract new (...args: never[]) => Error, string])[] = [
  [BrokenBarrierError, "BrokenBarrier"],
  [InvalidStateError, "InvalidState"],
  [QueueEmpty, "QueueEmpty"],
  [QueueFull, "QueueFull"],
  [QueueShutDown, "QueueShutDown"],
  [TimeoutError, "Timeout"],
  [RuntimeError, "Runtime"],
  [RangeError, "Value"],
  [TypeError, "Type"],
];

export function formatError(error: unknown): string {
  if (error instanceof ExceptionGroup) return `Group(${error.exceptions.map(formatError).join(",")})`;
  if (error instanceof Err) return `Err(${error.tag})`;
  if (error instanceof CancelledError) {
    const { reason } = error;
    return typeof reason === "string" && reason !== "" ? `Cancelled(${reason})` : "Cancelled";
  }
  const known = errorNames.find(([type]) => error instanceof type);
  if (known !== undefined) return known[1];
  return error instanceof Error ? error.name : String(error);
}

export function format(value: unknown): string {
  if (value === undefined) return "null";
  if (Array.isArray(value)) return `[${value.map(format).join(",")}]`;
  if (value instanceof Error) return formatError(value);
  return String(value);
}

export function isCaughtBy(match: Match, error: unknown): boolean {
  switch (match) {
    case "any":
      return true;
    case "exception":
      return !(error instanceof CancelledError);
    case "cancelled":
      return error instanceof CancelledError;
    case "timeout":
      return error instanceof TimeoutError;
    case "error":
      return error instanceof Err;
    case "group":
      return error instanceof ExceptionGroup;
    case "broken":
      return error instanceof BrokenBarrierError;
  }
}
