/** Where a queue keeps its items. */
export interface Store<T> {
  readonly size: number;
  add(item: T): void;
  /** The caller has checked that there is one. */
  remove(): T;
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
}

/** Smallest first: a binary heap. Items that compare equal come out in no particular order. */
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
    // Compare before anything moves, so that an item which can't be compared leaves the heap as it was.
    let at = heap.length;
    const path: number[] = [];
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (compare(heap[parent] as T, item) <= 0) break;
      path.push(parent);
      at = parent;
    }
    at = heap.length;
    heap.push(item);
    for (const parent of path) {
      heap[at] = heap[parent] as T;
      at = parent;
    }
    heap[at] = item;
  }

  remove(): T {
    const { heap, compare } = this;
    const top = heap[0] as T; // the caller has checked that there is one
    const last = heap.pop() as T;
    const size = heap.length;
    if (size === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && compare(heap[child + 1] as T, heap[child] as T) < 0) child++;
      if (compare(last, heap[child] as T) <= 0) break;
      heap[at] = heap[child] as T;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}
