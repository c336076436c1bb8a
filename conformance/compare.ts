/** How two traces agree (README §6). */
import type { Trace, TraceEvent } from "./world.ts";

/** `strict`: the same trace. `actor`: each actor saw the same. */
export type Agreement = "strict" | "actor" | "none";

const isSame = (a: TraceEvent | undefined, b: TraceEvent | undefined): boolean =>
  a !== undefined && b !== undefined && a[0] === b[0] && a[1] === b[1];

const areSame = (a: Trace, b: Trace): boolean =>
  a.length === b.length && a.every((event, i) => isSame(event, b[i]));

/** An event's actor: its first word; for the loop's own events, their first three. */
function actorOf([, event]: TraceEvent): string {
  const words = event.split(" ", 3);
  return words[0] === "*" ? words.join(" ") : (words[0] ?? "");
}

/** What each actor saw. */
export function project(trace: Trace): Map<string, TraceEvent[]> {
  const views = new Map<string, TraceEvent[]>();
  for (const event of trace) {
    const actor = actorOf(event);
    const view = views.get(actor);
    if (view === undefined) views.set(actor, [event]);
    else view.push(event);
  }
  return views;
}

export function agreement(expected: Trace, got: Trace): Agreement {
  if (areSame(expected, got)) return "strict";
  const [a, b] = [project(expected), project(got)];
  const same = a.size === b.size && [...a].every(([actor, view]) => areSame(view, b.get(actor) ?? []));
  return same ? "actor" : "none";
}

export interface Difference {
  readonly actor: string;
  readonly index: number;
  readonly expected: TraceEvent | undefined;
  readonly got: TraceEvent | undefined;
}

/** For each actor that saw something else, the first event that differs; earliest instants first. */
export function differences(expected: Trace, got: Trace): Difference[] {
  const [a, b] = [project(expected), project(got)];
  const found: Difference[] = [];
  for (const actor of new Set([...a.keys(), ...b.keys()])) {
    const [x, y] = [a.get(actor) ?? [], b.get(actor) ?? []];
    const index = Array.from({ length: Math.max(x.length, y.length) }, (_, i) => i).find(
      (i) => !isSame(x[i], y[i]),
    );
    if (index !== undefined) found.push({ actor, index, expected: x[index], got: y[index] });
  }
  const instant = ({ expected: e, got: g }: Difference): number =>
    Math.min(e?.[0] ?? Infinity, g?.[0] ?? Infinity);
  return found.sort((x, y) => instant(x) - instant(y));
}
