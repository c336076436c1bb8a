/**
 * The values of context variables that one task (or callback) sees.
 *
 * Copying is O(1): both sides keep the same map and the next one to write makes its own.
 */
export class Variables {
  private values: Map<object, unknown> | null;
  private owned = false;

  constructor(values: Map<object, unknown> | null = null) {
    this.values = values;
  }

  copy(): Variables {
    this.owned = false;
    return new Variables(this.values);
  }

  get(key: object): unknown {
    return this.values === null ? undefined : this.values.get(key);
  }

  has(key: object): boolean {
    return this.values?.has(key) ?? false;
  }

  set(key: object, value: unknown): void {
    this.writable().set(key, value);
  }

  delete(key: object): void {
    this.writable().delete(key);
  }

  entries(): IterableIterator<[object, unknown]> {
    return (this.values ?? new Map<object, unknown>()).entries();
  }

  private writable(): Map<object, unknown> {
    if (this.values === null || !this.owned) {
      this.values = new Map(this.values);
      this.owned = true;
    }
    return this.values;
  }
}
