/** Where a queue keeps its items. */
export interface Store<T> {
  readonly size: number;
  add(item: T): void;
  /** The caller has checked that there is one. */
  remove(): T;
  clear(): void;
}

/** First in, first out: a ring that grows by doubling and gives memory back when it has emptied. */
export class Fifo<T> implements Store<T> {
  private ring: (T | undefined)[] = new Array(SMALL);
  private head = 0;
  size = 0;

  add(item: T): void {
    const { ring } = this;
    if (this.size === ring.length) this.resize(ring.length * 2);
    this.ring[(this.head + this.size) & (this.ring.length - 1)] = item;
    this.size++;
  }

  remove(): T {
    const item = this.ring[this.head] as T; // the caller has checked that there is one
    this.ring[this.head] = undefined;
    this.head = (this.head + 1) & (this.ring.length - 1);
    this.size--;
    if (this.ring.length > LARGE && this.size < this.ring.length / 8) this.resize(this.ring.length / 2);
    return item;
  }

  clear(): void {
    this.ring = new Array(SMALL);
    this.head = 0;
    this.size = 0;
  }

  private resize(length: number): void {
    const ring: (T | undefined)[] = new Array(length);
    for (let i = 0; i < this.size; i++) ring[i] = this.ring[(this.head + i) & (this.ring.length - 1)];
    this.ring = ring;
    this.head = 0;
  }
}

const SMALL = 8;
const LARGE = 1024;

/** Last in, first out. */
export class Lifo<T> implements Store<T> {
  private readonly stack: T[] = [];

  get size(): number {
    return this.stack.length;
  }

  add(item: T): void {
    this.stack.push(item);
  }

  remove(): T {
    return this.stack.pop() as T; // the caller has checked that there is one
  }

  clear(): void {
    this.stack.length = 0;
  }
}

/**
 * Smallest first: a binary heap. Items that compare equal come out in no particular order.
 *
 * All comparing is done before anything moves: when `compare` throws, the heap is as it was.
 */
export class Heap<T> implements Store<T> {
  private readonly heap: T[] = [];
  private readonly compare: (a: T, b: T) => number;

  constructor(compare: (a: T, b: T) => number) {
    this.compare = compare;
  }

  get size(): number {
    return this.heap.length;
  }

  add(item: T): void {
    const { heap, compare } = this;
    const path: number[] = [];
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (compare(heap[parent] as T, item) <= 0) break;
      path.push(parent);
      at = parent;
    }
    heap.push(item);
    this.shift(heap.length - 1, path, item);
  }

  remove(): T {
    const { heap, compare } = this;
    const size = heap.length - 1;
    const top = heap[0] as T; // the caller has checked that there is one
    const last = heap[size] as T;
    const path: number[] = [];
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && compare(heap[child + 1] as T, heap[child] as T) < 0) child++;
      if (compare(last, heap[child] as T) <= 0) break;
      path.push(child);
      at = child;
    }
    heap.pop();
    if (size > 0) this.shift(0, path, last);
    return top;
  }

  clear(): void {
    this.heap.length = 0;
  }

  /** Moves each item on the path into the place before it, from `at` on, and puts `item` into the last. */
  private shift(at: number, path: readonly number[], item: T): void {
    const { heap } = this;
    let hole = at;
    for (const from of path) {
      heap[hole] = heap[from] as T;
      hole = from;
    }
    heap[hole] = item;
  }
}
