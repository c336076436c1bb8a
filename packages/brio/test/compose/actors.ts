import { sleep } from "brio";
import { type Note, name } from "./trace.ts";

/** Sleeps for `delay`, notes how that ended, and ends the same way; its value is its name. */
export function sleeper(note: Note, who: string, delay: number): () => Promise<string> {
  return async () => {
    try {
      await sleep(delay);
    } catch (error) {
      note(`${who}: ${name(error)}`);
      throw error;
    }
    note(`${who} slept`);
    return who;
  };
}

/** Sleeps for `delay`, and fails. */
export function failing(message: string, delay: number): () => Promise<never> {
  return async () => {
    await sleep(delay);
    throw new Error(message);
  };
}

/** Waits until it is cancelled, and fails then instead. */
export function failingWhenCancelled(message: string): () => Promise<never> {
  return async () => {
    try {
      await sleep(60_000);
    } catch {
      // It has something else to say.
    }
    throw new Error(message);
  };
}
