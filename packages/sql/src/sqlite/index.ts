export { type SqliteDatabase, type SqliteOptions, type SqliteStatistics, sqlite } from "./sqlite.ts";
