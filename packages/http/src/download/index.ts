export { Bandwidth } from "./bandwidth.ts";
export type { Checksum } from "./checksum.ts";
export { download } from "./download.ts";
export {
  type DownloadAllOptions,
  type DownloadItem,
  type DownloadOutcome,
  downloadAll,
} from "./download-all.ts";
export {
  ChecksumError,
  DiskSpaceError,
  DownloadError,
  FileChangedError,
  FileExistsError,
} from "./errors.ts";
export { downloadName } from "./file-name.ts";
export type { DownloadEvent, DownloadOptions, DownloadResult } from "./options.ts";
