import process from "node:process";
import { createLogUpdate } from "log-update";
import type { DownloadEvent } from "../download/options.ts";

/** One download, as it is shown. */
interface Line {
  readonly url: string;
  name: string;
  received: number;
  total: number | null;
  note: string;
}

/** How many lines are shown at once: the rest is a number. */
const MOST = 16;
const WIDTH = 24;
const EVERY = 100;

/** Shows downloads on a terminal: a bar for each that is under way. */
export class Display {
  private readonly lines = new Map<string, Line>();
  private readonly update: ReturnType<typeof createLogUpdate>;
  private readonly count: () => string;
  private drawn = 0;

  /** @param count what stands under the bars */
  constructor(count: () => string) {
    // A terminal of no size does not know it: nothing would be drawn on it.
    const { stderr } = process;
    stderr.columns ||= 80;
    stderr.rows ||= 24;
    this.update = createLogUpdate(stderr);
    this.count = count;
  }

  see(event: DownloadEvent): void {
    const { url, type } = event;
    if (type === "start") {
      const name = event.path.split(/[/\\]/).at(-1) ?? url;
      this.lines.set(url, { url, name, received: event.resumed, total: event.total, note: "" });
    }
    const line = this.lines.get(url);
    if (line !== undefined) {
      if (type === "progress")
        Object.assign(line, { received: event.received, total: event.total, note: "" });
      if (type === "retry") line.note = "connection lost, again soon";
      if (type === "changed")
        Object.assign(line, { received: 0, note: "changed on the server, begins anew" });
      if (type === "done" || type === "failed") this.lines.delete(url);
    }
    if (performance.now() - this.drawn >= EVERY) this.draw();
  }

  /** Writes a line that stays. */
  print(text: string): void {
    this.update.clear();
    process.stderr.write(`${text}\n`);
    this.draw();
  }

  end(): void {
    this.update.clear();
    this.update.done();
  }

  private draw(): void {
    this.drawn = performance.now();
    const all = [...this.lines.values()];
    const more = all.length > MOST ? [`… and ${all.length - MOST} more`] : [];
    this.update([...all.slice(0, MOST).map(bar), ...more, this.count()].join("\n"));
  }
}

function bar({ name, received, total, note }: Line): string {
  const shown = name.length > 32 ? `${name.slice(0, 31)}…` : name.padEnd(32);
  if (total === null) return `${shown} ${bytes(received)} ${note}`;
  const part = total === 0 ? 1 : Math.min(1, received / total);
  const full = Math.round(part * WIDTH);
  const percent = `${Math.floor(part * 100)}%`.padStart(4);
  return `${shown} [${"#".repeat(full)}${"-".repeat(WIDTH - full)}] ${percent} of ${bytes(total)} ${note}`;
}

/** `1.5 MB` */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
