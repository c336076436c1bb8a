// Numbers and bars, as people read them.
import { styleText } from "node:util";
import { HttpError, HttpTimeoutError } from "@brio/http";

type Style = Parameters<typeof styleText>[0];

/** Coloured if the terminal has colours: not in a pipe, and not with NO_COLOR. */
export function styled(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

export function bytes(count: number): string {
  return count < 1e6 ? `${Math.round(count / 1e3)} KB` : `${(count / 1e6).toFixed(1)} MB`;
}

export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}

/** A bar of `width` columns, filled from the left to the `part` of 1. */
export function bar(part: number, width: number, style: Style): string {
  const filled = Math.round(Math.min(1, Math.max(0, part)) * width);
  return styled(style, "━".repeat(filled)) + styled("dim", "─".repeat(width - filled));
}

export function messageOf(error: unknown): string {
  if (error instanceof HttpTimeoutError) return "stalled";
  if (error instanceof HttpError)
    return error.status === null || error.status < 400 ? "cut" : `HTTP ${error.status}`;
  return error instanceof Error ? error.message : String(error);
}
