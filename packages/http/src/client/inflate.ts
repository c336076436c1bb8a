import { Duplex, type Transform } from "node:stream";
import { createInflate, createInflateRaw } from "node:zlib";

/** What the low four bits of zlib's first byte are. (Bare data would begin so with padding that no encoder writes.) */
const ZLIB = 8;

/**
 * Decompresses `deflate`: in zlib's wrapping, as the standard has it; or bare, as some servers send it. The first byte tells,
 * as it does for browsers and curl.
 */
export class Inflate extends Duplex {
  private inflate: Transform | null = null;

  override _write(bytes: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    const [first] = bytes;
    if (first === undefined) {
      done();
      return;
    }
    this.inflate ??= this.begin(first);
    this.inflate.write(bytes, done);
  }

  private begin(first: number): Transform {
    const inflate = (first & 0x0f) === ZLIB ? createInflate() : createInflateRaw();
    inflate.on("data", (bytes: Buffer) => {
      if (!this.push(bytes)) inflate.pause();
    });
    inflate.on("end", () => this.push(null));
    inflate.on("error", (error) => this.destroy(error));
    return inflate;
  }

  override _read(): void {
    this.inflate?.resume();
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.inflate !== null) {
      this.inflate.end(done);
      return;
    }
    this.push(null); // nothing is nothing, also compressed
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.inflate?.destroy();
    done(error);
  }
}
