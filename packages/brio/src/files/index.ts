export type { Data } from "../loop/bytes.ts";
export { type CopyOptions, type CopyProgress, copy } from "./copy.ts";
export { WatchEndedError } from "./errors.ts";
export { File } from "./file.ts";
export { type OpenFileStatistics, openFileStatistics, setOpenFileLimit } from "./limit.ts";
export type { LineOptions } from "./lines.ts";
export { type OpenMode, type OpenOptions, open } from "./open.ts";
export type { Path } from "./path.ts";
export type { ChunkOptions } from "./pieces.ts";
export { type ReadFileOptions, readFile } from "./read-file.ts";
export {
  TemporaryDirectory,
  TemporaryFile,
  type TemporaryFileOptions,
  type TemporaryOptions,
  temporaryDirectory,
  temporaryFile,
} from "./temporary.ts";
export { type WalkEntry, type WalkOptions, walk } from "./walk.ts";
export { type Change, Watch, type WatchOptions, watch } from "./watch.ts";
export { type AppendFileOptions, appendFile, type WriteFileOptions, writeFile } from "./write-file.ts";
