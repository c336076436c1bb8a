/**
 * Where things were made, kept only in debug mode: tasks, coroutines, waits.
 *
 * The error is kept rather than its text: V8 formats a stack only when it is read.
 */
const origins = new WeakMap<object, Error>();

let wanted = false;

/** Has a loop of this process been in debug mode? Asked where looking for the loop would cost too much. */
export const debugging = (): boolean => wanted;

/** A loop is in debug mode. */
export function watchOrigins(): void {
  wanted = true;
}

/** Remembers the calling line as the origin of `thing`. */
export function noteOrigin(thing: object): void {
  origins.set(thing, new Error("origin"));
}

/** The lines of the user's code that made `thing`, innermost first; empty outside debug mode. */
export function originOf(thing: object): readonly string[] {
  return userLines(origins.get(thing)?.stack);
}

/** The lines of a stack that are the user's own, innermost first. */
export function userLines(stack: string | undefined): readonly string[] {
  if (stack === undefined) return [];
  return stack
    .split("\n")
    .slice(1)
    .map((line) => line.trim().replace(/^at /, ""))
    .filter((line) => !isOwn(line) && !line.includes("node:internal"));
}

// Frames of brio's own code say nothing to its user. The folder is that of all layers.
const OWN = new URL("..", import.meta.url).href;
const OWN_PATH = decodeURIComponent(new URL("..", import.meta.url).pathname);

function isOwn(line: string): boolean {
  return line.includes(OWN) || line.includes(`(${OWN_PATH}`) || line.startsWith(`async ${OWN_PATH}`);
}
