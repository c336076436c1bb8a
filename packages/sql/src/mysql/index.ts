export { type MysqlDatabase, type MysqlOptions, type MysqlPool, mysql } from "./mysql.ts";
