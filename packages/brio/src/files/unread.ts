/** What was read from something without positions, and not handed on: it can't be read again. */
export class Unread {
  private data: Buffer | null = null;

  get isEmpty(): boolean {
    return this.data === null;
  }

  putBack(data: Buffer): void {
    if (data.length > 0) this.data = this.data === null ? data : Buffer.concat([data, this.data]);
  }

  /** Takes `n` bytes, or all. */
  take(n: number = this.data?.length ?? 0): Buffer {
    const data = this.data ?? Buffer.alloc(0);
    this.data = n < data.length ? data.subarray(n) : null;
    return data.subarray(0, n);
  }
}
