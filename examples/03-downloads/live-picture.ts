// The progress of a pass as a picture in a terminal: all of it in one line, and a row for each download under way.
import { getRunningLoop, interval } from "brio";
import { createLogUpdate } from "log-update";
import type { Outcome, Wanted } from "./download.ts";
import { bar, bytes, messageOf, seconds, styled } from "./format.ts";
import type { Progress } from "./progress.ts";

interface Row {
  readonly wanted: Wanted;
  received: number;
  /** What went wrong last, or "". */
  trouble: string;
}

/** A terminal, as far as it is needed here. */
export type Screen = NodeJS.WritableStream & { readonly columns: number };

export class LivePicture implements Progress {
  private readonly label: string;
  private readonly screen: Screen;
  private readonly files: number;
  private readonly bytes: number;
  private readonly began = getRunningLoop().time();
  /** A download keeps its row, so that rows don't jump. */
  private readonly rows: (Row | null)[];
  private filesEnded = 0;
  private bytesEnded = 0;

  constructor(label: string, all: readonly Wanted[], rows: number, screen: Screen) {
    this.label = label;
    this.screen = screen;
    this.files = all.length;
    this.bytes = all.reduce((sum, { size }) => sum + size, 0);
    this.rows = new Array<Row | null>(rows).fill(null);
  }

  async show(): Promise<void> {
    const paint = createLogUpdate(this.screen);
    try {
      for await (const _ of interval("50ms", { missed: "skip" })) paint(this.frame());
    } finally {
      paint.clear();
      paint.done(); // gives the cursor back
    }
  }

  started(wanted: Wanted): void {
    this.rows[this.rows.indexOf(null)] = { wanted, received: 0, trouble: "" };
  }

  received(wanted: Wanted, bytes: number): void {
    const row = this.rowOf(wanted);
    if (row) row.received = bytes;
  }

  retrying(wanted: Wanted, attempt: number, error: unknown): void {
    const row = this.rowOf(wanted);
    if (row) row.trouble = `attempt ${attempt}: ${messageOf(error)}`;
  }

  ended({ wanted }: Outcome): void {
    this.rows[this.rows.findIndex((row) => row?.wanted === wanted)] = null;
    this.filesEnded++;
    this.bytesEnded += wanted.size;
  }

  private rowOf(wanted: Wanted): Row | null | undefined {
    return this.rows.find((row) => row?.wanted === wanted);
  }

  /** What the terminal shows now. */
  frame(): string {
    const { columns } = this.screen;
    const width = Math.max(5, Math.min(30, columns - 50));
    const received = this.rows.reduce((sum, row) => sum + (row?.received ?? 0), this.bytesEnded);
    const time = seconds(getRunningLoop().time() - this.began);
    const head = [
      styled("bold", this.label.padEnd(12)),
      bar(received / this.bytes, width, "green"),
      ` ${this.filesEnded}/${this.files} files  ${bytes(received).padStart(7)}  ${time}`,
    ].join(" ");
    return [head, ...this.rows.map((row) => describe(row, width, columns))].join("\n");
  }
}

function describe(row: Row | null, width: number, columns: number): string {
  if (row === null) return styled("dim", "  -");
  const { wanted, received, trouble } = row;
  const rest = trouble.slice(0, Math.max(0, columns - width - 26)); // a row is never longer than a line
  const size = bytes(wanted.size).padStart(7);
  return `  ${wanted.name.padEnd(11)} ${bar(received / wanted.size, width, "cyan")} ${size}  ${styled("yellow", rest)}`;
}
