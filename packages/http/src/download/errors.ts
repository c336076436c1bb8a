/** A download failed for a reason of its own. (Most fail with the errors of the client: HttpStatusError, HttpConnectionError ...) */
export class DownloadError extends Error {
  override name = "DownloadError";
  /** What was to be downloaded, without credentials. */
  readonly url: string;

  constructor(url: string, what: string, cause?: unknown) {
    super(`${url}: ${what}`, cause === undefined ? undefined : { cause });
    this.url = url;
  }
}

/** What was downloaded is not what was expected. It is not kept. */
export class ChecksumError extends DownloadError {
  override name = "ChecksumError";
  /** `sha256:…`, as it should be. */
  readonly expected: string;
  /** `sha256:…`, as it is. */
  readonly actual: string;

  constructor(url: string, expected: string, actual: string) {
    super(url, `the checksum is ${actual}; expected was ${expected}`);
    this.expected = expected;
    this.actual = actual;
  }
}

/** There is not enough space on the disk: known before it begins, or found out on the way. What has come is kept for resuming. */
export class DiskSpaceError extends DownloadError {
  override name = "DiskSpaceError";
  /** The system's name for it. */
  readonly code = "ENOSPC";
  /** The folder on that disk. */
  readonly directory: string;
  /** Bytes that are still to come; null if that is not known. */
  readonly needed: number | null;
  /** Bytes that are free; null if that is not known. */
  readonly available: number | null;

  constructor(
    url: string,
    directory: string,
    needed: number | null,
    available: number | null,
    cause?: unknown,
  ) {
    const how =
      needed === null || available === null ? "" : `: ${needed} bytes are needed, and ${available} are free`;
    super(url, `there is not enough space on the disk of ${directory}${how}`, cause);
    this.directory = directory;
    this.needed = needed;
    this.available = available;
  }
}

/** A file of that name is there already, and `existing` is "error". */
export class FileExistsError extends DownloadError {
  override name = "FileExistsError";
  /** The system's name for it. */
  readonly code = "EEXIST";
  /** Where it is. */
  readonly path: string;

  constructor(url: string, path: string) {
    super(url, `${path} is there already: { existing: "replace" } replaces it, "skip" leaves it`);
    this.path = path;
  }
}

/** The file on the server changed while it was downloaded, again and again. */
export class FileChangedError extends DownloadError {
  override name = "FileChangedError";

  constructor(url: string, times: number) {
    super(url, `the file changed on the server while it was downloaded, ${times} times in a row`);
  }
}
