export type { Notification, Subscription } from "./listen.ts";
export { type PgPool, type PostgresDatabase, type PostgresOptions, postgres } from "./postgres.ts";
