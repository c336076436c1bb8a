import type { ReadyEntry } from "./ready-queue.ts";

export interface TimerEntry extends ReadyEntry {
  /** @internal Cancelled: the heap drops it when it comes up, or sooner. */
  readonly dead: boolean;
  /** @internal Its moment has come; it is about to be put into the ready queue. */
  due(): void;
}

const ARITY = 4;
const COMPACT_FROM = 64;

/**
 * A 4-ary min-heap of deadlines; equal deadlines come out in the order they went in.
 *
 * Deadlines and sequence numbers stand in arrays of plain doubles beside the entries: comparing touches no
 * object. Cancelling is lazy and O(1); when more than half of the entries are dead, they are swept out, so
 * that the heap never holds more than twice what is alive.
 */
export class TimerHeap {
  private whens: number[] = [];
  private seqs: number[] = [];
  private entries: TimerEntry[] = [];
  private dead = 0;
  private seq = 0;

  get size(): number {
    return this.entries.length - this.dead;
  }

  /** The earliest deadline alive, or null. */
  next(): number | null {
    while (this.entries.length > 0 && (this.entries[0] as TimerEntry).dead) {
      this.pop();
      this.dead--;
    }
    return this.entries.length === 0 ? null : (this.whens[0] as number);
  }

  add(when: number, entry: TimerEntry): void {
    const at = this.entries.length;
    this.whens.push(when);
    this.seqs.push(this.seq);
    this.entries.push(entry);
    this.up(at, when, this.seq++, entry);
  }

  /** An entry in here has just become dead. */
  died(): void {
    this.dead++;
    if (this.dead * 2 > this.entries.length && this.entries.length > COMPACT_FROM) this.sweep();
  }

  /** Hands over the entries whose deadline is at or before `now`, earliest first. */
  takeDue(now: number, push: (entry: TimerEntry) => void): void {
    while (this.entries.length > 0 && (this.whens[0] as number) <= now) {
      const entry = this.pop();
      if (entry.dead) {
        this.dead--;
      } else {
        entry.due();
        push(entry);
      }
    }
  }

  clear(): void {
    this.whens = [];
    this.seqs = [];
    this.entries = [];
    this.dead = 0;
  }

  private pop(): TimerEntry {
    const top = this.entries[0] as TimerEntry;
    const entry = this.entries.pop() as TimerEntry;
    const when = this.whens.pop() as number;
    const seq = this.seqs.pop() as number;
    if (this.entries.length > 0) this.down(0, when, seq, entry);
    return top;
  }

  private up(from: number, when: number, seq: number, entry: TimerEntry): void {
    let at = from;
    while (at > 0) {
      const parent = ((at - 1) / ARITY) | 0;
      // A newcomer has the highest sequence number: at equal deadlines it stays below.
      if ((this.whens[parent] as number) <= when) break;
      this.move(parent, at);
      at = parent;
    }
    this.put(at, when, seq, entry);
  }

  private down(from: number, when: number, seq: number, entry: TimerEntry): void {
    const { whens, seqs } = this;
    const size = this.entries.length;
    let at = from;
    for (;;) {
      const first = at * ARITY + 1;
      if (first >= size) break;
      const last = Math.min(first + ARITY, size);
      let best = first;
      for (let i = first + 1; i < last; i++) {
        const a = whens[i] as number;
        const b = whens[best] as number;
        if (a < b || (a === b && (seqs[i] as number) < (seqs[best] as number))) best = i;
      }
      const w = whens[best] as number;
      if (w > when || (w === when && (seqs[best] as number) > seq)) break;
      this.move(best, at);
      at = best;
    }
    this.put(at, when, seq, entry);
  }

  private move(from: number, to: number): void {
    this.put(to, this.whens[from] as number, this.seqs[from] as number, this.entries[from] as TimerEntry);
  }

  private put(at: number, when: number, seq: number, entry: TimerEntry): void {
    this.whens[at] = when;
    this.seqs[at] = seq;
    this.entries[at] = entry;
  }

  private sweep(): void {
    const { whens, seqs, entries } = this;
    let kept = 0;
    for (let i = 0; i < entries.length; i++) {
      if (!(entries[i] as TimerEntry).dead) this.move(i, kept++);
    }
    whens.length = kept;
    seqs.length = kept;
    entries.length = kept;
    this.dead = 0;
    for (let i = Math.floor((kept - 2) / ARITY); i >= 0; i--) {
      this.down(i, whens[i] as number, seqs[i] as number, entries[i] as TimerEntry);
    }
  }
}
