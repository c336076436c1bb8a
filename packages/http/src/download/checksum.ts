import { createHash, getHashes, type Hash } from "node:crypto";
import { inspect } from "node:util";
import type { File } from "brio/files";

/** What a file must be: `sha256:` and the digest in hex or base64; or Subresource Integrity's form, `sha256-` and base64. */
export type Checksum = `${string}:${string}` | `${string}-${string}`;

/** A {@link Checksum}, checked. */
export interface Expected {
  readonly algorithm: string;
  /** In hex. */
  readonly digest: string;
}

/** @throws TypeError or RangeError if it is no checksum, or of an unknown kind. */
export function checkedChecksum(given: Checksum | undefined): Expected | null {
  if (given === undefined) return null;
  const [, algorithm = "", text = ""] = /^([\w/-]+?)[:-]([A-Za-z0-9+/=_-]+)$/.exec(String(given)) ?? [];
  if (text === "") throw new TypeError(`checksum must be such as "sha256:9f86d0…"; got ${inspect(given)}`);
  if (!getHashes().includes(algorithm.toLowerCase()))
    throw new RangeError(
      `checksum: ${inspect(algorithm)} is no hash that Node knows, such as sha256 or sha512`,
    );
  const length = createHash(algorithm).digest().length;
  const digest = /^[0-9a-f]+$/i.test(text) && text.length === 2 * length ? text.toLowerCase() : hexOf(text);
  if (digest.length !== 2 * length)
    throw new RangeError(`checksum: a digest of ${algorithm} has ${length} bytes; got ${inspect(text)}`);
  return { algorithm: algorithm.toLowerCase(), digest };
}

function hexOf(base64: string): string {
  return Buffer.from(base64, "base64").toString("hex");
}

/** The digest of a whole file, in hex. */
export async function digestOf(file: File, algorithm: string, size: number): Promise<string> {
  const hash: Hash = createHash(algorithm);
  for (let at = 0; at < size; ) {
    const chunk = await file.readAt(at, Math.min(524_288, size - at));
    if (chunk.length === 0) break;
    hash.update(chunk);
    at += chunk.length;
  }
  return hash.digest("hex");
}
