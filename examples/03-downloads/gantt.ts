// Who ran when: a line for each slot of the semaphore, and on it the downloads that had the slot, one after the other.
import type { Outcome } from "./download.ts";
import { seconds, styled } from "./format.ts";

const WIDTH = 72;

export function gantt(outcomes: readonly Outcome[]): string {
  const begin = Math.min(...outcomes.map(({ started }) => started));
  const end = Math.max(...outcomes.map(({ ended }) => ended));
  const column = (time: number): number => Math.floor(((time - begin) / (end - begin || 1)) * (WIDTH - 1));
  const lines = slotsOf(outcomes).map((slot, index) => {
    const line = new Array<string>(WIDTH).fill(" ");
    slot.forEach((outcome, turn) => {
      draw(line, outcome, column, turn % 2 === 0 ? "cyan" : "green");
    });
    return `${String(index + 1).padStart(3)} ${line.join("").trimEnd()}`;
  });
  const last = seconds(end - begin);
  return [...lines, styled("dim", `    0 s${last.padStart(WIDTH - 3)}`)].join("\n");
}

/** Hands out slots as the semaphore did: whoever begins takes one that is free. */
function slotsOf(outcomes: readonly Outcome[]): Outcome[][] {
  const slots: Outcome[][] = [];
  for (const outcome of [...outcomes].sort((a, b) => a.started - b.started)) {
    const free = slots.find((slot) => (slot.at(-1)?.ended ?? 0) <= outcome.started);
    if (free === undefined) slots.push([outcome]);
    else free.push(outcome);
  }
  return slots;
}

/** A bar with the file's number at its head, as far as there is room, and a cross where an attempt failed. */
function draw(
  line: string[],
  outcome: Outcome,
  column: (time: number) => number,
  color: "cyan" | "green",
): void {
  const from = column(outcome.started);
  const to = Math.max(from, column(outcome.ended) - 1);
  const number = /\d+/.exec(outcome.wanted.name)?.[0] ?? "";
  for (let at = from; at <= to; at++) line[at] = styled(color, to > from ? "━" : "╸");
  if (to - from >= number.length) {
    for (const [index, digit] of [...number].entries()) line[from + index] = styled(color, digit);
  }
  for (const failure of outcome.failures) line[Math.min(to, column(failure))] = styled("red", "×");
}
