/*
 * Who begins a call: words of memory that a pool shares with one of its threads
 *
 *   offered ── the worker takes it up ──> begun ── it is cancelled ──> cancelled
 *      └────── the pool takes it back ──> revoked
 *
 * So calls can be sent to a worker that is still busy, and yet each is begun once: by this worker, or by another that
 * was free earlier. Each move is one atomic compare-and-exchange; a word holds the number of the call as well, so that a
 * call which was taken back can't be mistaken for a later one in the same place.
 */
const OFFERED = 0;
const BEGUN = 1;
const REVOKED = 2;
const STOPPED = 3;

/** How many calls may have been offered and not been answered. */
export const PLACES = 64;
/** A number of a call takes so many bits. */
const NUMBERS = 0x0fff_ffff;
/** Before the places: a counter that the pool raises, and wakes the worker with, whenever it has sent something. */
const BELL = 0;

function word(id: number, state: number): number {
  return ((id & NUMBERS) << 2) | state;
}

function place(id: number): number {
  return 1 + (id % PLACES);
}

export class Claims {
  readonly memory: SharedArrayBuffer;
  private readonly words: Int32Array;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(4 * (PLACES + 1))) {
    this.memory = memory;
    this.words = new Int32Array(memory);
  }

  // -- the pool's side ---------------------------------------------------------------------------------

  offer(id: number): void {
    Atomics.store(this.words, place(id), word(id, OFFERED));
  }

  /** True if the worker has not begun it, and won't. */
  revoke(id: number): boolean {
    return this.move(id, OFFERED, REVOKED);
  }

  /** The worker sees at once that a call which it has begun is cancelled. */
  stop(id: number): void {
    this.move(id, BEGUN, STOPPED);
  }

  ring(): void {
    Atomics.add(this.words, BELL, 1);
    Atomics.notify(this.words, BELL);
  }

  // -- the worker's side -------------------------------------------------------------------------------

  /** True if it is to be begun here. */
  take(id: number): boolean {
    return this.move(id, OFFERED, BEGUN);
  }

  stopped(id: number): boolean {
    return Atomics.load(this.words, place(id)) === word(id, STOPPED);
  }

  get rung(): number {
    return Atomics.load(this.words, BELL);
  }

  /** Blocks the thread until the bell has been rung since it was `seen`, at most for so many milliseconds. */
  listen(seen: number, milliseconds: number): boolean {
    return Atomics.wait(this.words, BELL, seen, milliseconds) !== "timed-out";
  }

  private move(id: number, from: number, to: number): boolean {
    const before = word(id, from);
    return Atomics.compareExchange(this.words, place(id), before, word(id, to)) === before;
  }
}
