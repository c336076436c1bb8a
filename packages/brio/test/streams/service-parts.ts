import { sleep, sleepForever } from "brio";
import type { Note } from "../compose/trace.ts";

/** Sleeps, and notes how that ended. */
export async function nap(note: Note, what: string, time: number | "for ever"): Promise<void> {
  try {
    await (time === "for ever" ? sleepForever() : sleep(time));
    note(`${what} is done`);
  } catch (error) {
    note(`${what} is cancelled`);
    throw error;
  }
}

/** A resource that says when it is disposed of, and takes its time. */
export const resource = (note: Note, what: string, time = 0): AsyncDisposable => ({
  [Symbol.asyncDispose]: async () => {
    await sleep(time);
    note(`${what} is disposed of`);
  },
});

export class Hanging implements AsyncDisposable {
  async [Symbol.asyncDispose](): Promise<void> {
    await sleepForever();
  }
}
