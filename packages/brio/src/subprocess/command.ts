import { inspect } from "node:util";

/** Longer ones are cut in messages. */
const LONGEST = 200;

/** A command as one would type it, for messages. */
export function shown(command: readonly string[]): string {
  const text = command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : quoted(word))).join(" ");
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`;
}

function quoted(word: string): string {
  return /[\n\r\t]/.test(word) ? inspect(word) : `'${word.replaceAll("'", "'\\''")}'`;
}
