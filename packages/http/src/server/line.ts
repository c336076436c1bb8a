/** A place in a {@link Line}. */
export class Place<T> {
  readonly value: T;
  /** @internal */ previous: Place<T> | null = null;
  /** @internal */ next: Place<T> | null = null;
  private line: Line<T> | null;

  /** @internal */
  constructor(value: T, line: Line<T>) {
    this.value = value;
    this.line = line;
  }

  /** Leaves the line. Twice is fine. */
  leave(): void {
    this.line?.remove(this);
    this.line = null;
  }
}

/**
 * Things in the order in which they came, for those that come and go all the time. (A `Set` of such things makes itself a new
 * table every few dozen of them.)
 */
export class Line<T> {
  /** Who came first. */
  first: Place<T> | null = null;
  private last: Place<T> | null = null;
  private length = 0;

  /** How many there are. */
  get size(): number {
    return this.length;
  }

  /** Puts it at the end. */
  add(value: T): Place<T> {
    const place = new Place(value, this);
    place.previous = this.last;
    if (this.last === null) this.first = place;
    else this.last.next = place;
    this.last = place;
    this.length++;
    return place;
  }

  /** @internal */
  remove(place: Place<T>): void {
    const { previous, next } = place;
    if (previous === null) this.first = next;
    else previous.next = next;
    if (next === null) this.last = previous;
    else next.previous = previous;
    this.length--;
  }

  /** Those that are there now. */
  all(): T[] {
    const found: T[] = [];
    for (let place = this.first; place !== null; place = place.next) found.push(place.value);
    return found;
  }
}
