import type { Duplex } from "node:stream";
import zlib from "node:zlib";
import type { ReadFlow } from "brio/streams";
import { Inflate } from "./inflate.ts";

/** Not in every Node that this runs on. */
const zstd = (zlib as { createZstdDecompress?: () => Duplex }).createZstdDecompress;

const DECODERS: Readonly<Record<string, (() => Duplex) | undefined>> = {
  gzip: () => zlib.createGunzip(),
  "x-gzip": () => zlib.createGunzip(),
  deflate: () => new Inflate(),
  br: () => zlib.createBrotliDecompress(),
  zstd,
};

/** What bodies may be compressed with, for `Accept-Encoding`. */
export const ACCEPTED: string = zstd === undefined ? "gzip, deflate, br" : "gzip, deflate, br, zstd";

/** More than one is rare; many are an attack. */
const MOST = 3;

/** What a decoder tells. */
export interface Decoded {
  data(bytes: Buffer): void;
  end(): void;
  error(error: Error): void;
  /** It can take more. */
  drained(): void;
}

/**
 * Decompresses a body while it comes in. (undici's interceptor for that warns, in every program, that it is experimental.)
 */
export class Decoder implements ReadFlow {
  private readonly first: Duplex;
  private readonly last: Duplex;
  private readonly all: readonly Duplex[];
  private readonly decoded: Decoded;
  private begun = false;

  private constructor(all: readonly Duplex[], decoded: Decoded) {
    this.all = all;
    this.decoded = decoded;
    this.first = all[0] as Duplex; // there is at least one
    this.last = all.reduce((from, to) => from.pipe(to));
    for (const transform of all) transform.on("error", (error) => decoded.error(error));
    this.first.on("drain", () => decoded.drained());
    this.last.on("data", (bytes: Buffer) => decoded.data(bytes));
    this.last.on("end", () => decoded.end());
  }

  /** A decoder for what a `Content-Encoding` header says; null if it says nothing, or something unknown. */
  static of(encoding: string | null, decoded: Decoded): Decoder | null {
    if (encoding === null) return null;
    const names = encoding
      .toLowerCase()
      .split(",")
      .map((name) => name.trim());
    const makers = names.filter((name) => name !== "" && name !== "identity").map((name) => DECODERS[name]);
    if (makers.length === 0 || makers.length > MOST) return null;
    if (!makers.every((make) => make !== undefined)) return null;
    return new Decoder(
      makers.reverse().map((make) => make()),
      decoded,
    );
  }

  /** False if it can't take more for now. */
  write(bytes: Buffer): boolean {
    this.begun = true;
    return this.first.write(bytes);
  }

  end(): void {
    if (this.begun) this.first.end();
    else this.decoded.end(); // nothing is nothing, also compressed
  }

  pauseReading(): void {
    this.last.pause();
  }

  resumeReading(): void {
    this.last.resume();
  }

  destroy(): void {
    for (const transform of this.all) transform.destroy();
  }
}
