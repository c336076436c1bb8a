import { inspect } from "node:util";
import type { Handle } from "./handle.ts";

/** What an exception handler is told. */
export interface ExceptionContext {
  /** What went wrong, in a sentence. */
  message: string;
  exception?: unknown;
  /** The task or future concerned. */
  task?: unknown;
  future?: unknown;
  handle?: Handle;
  /** Where the task or wait concerned was created (debug mode). */
  source?: string;
}

/** The text that the default exception handler writes: the message, the particulars, then the error with its stack. */
export function formatReport(context: ExceptionContext): string {
  const lines = [context.message];
  for (const key of ["task", "future", "handle", "source"] as const) {
    const value = context[key];
    if (value !== undefined) lines.push(`  ${key}: ${String(value)}`);
  }
  if (context.exception !== undefined) lines.push(inspect(context.exception));
  return lines.join("\n");
}
