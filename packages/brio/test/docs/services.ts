/*
 * The servers that some examples need, by the word after ```ts that says so. An example whose server does not answer is not
 * run; with BRIO_REQUIRE_SERVICES=1, all must answer.
 */
import process from "node:process";
import { accepts } from "../services.ts";

const { BRIO_POSTGRES = "127.0.0.1:5432", BRIO_MYSQL = "127.0.0.1:3306" } = process.env;
const { hostname: redisHost, port: redisPort } = new URL(
  process.env.BRIO_REDIS_URL ?? "redis://127.0.0.1:6379",
);

const ADDRESSES: Readonly<Record<string, string>> = {
  redis: `${redisHost}:${redisPort || 6379}`,
  postgres: BRIO_POSTGRES,
  mysql: BRIO_MYSQL,
};

const [host = "", port = ""] = BRIO_POSTGRES.split(":");

/** Variables that lead an example to the servers of the tests. */
export const serviceVariables: Readonly<Record<string, string>> = {
  PGHOST: host,
  PGPORT: port,
  PGUSER: "root",
  PGDATABASE: "test",
  MYSQL_URL: `mysql://root@${BRIO_MYSQL}/test`,
};

/** The servers that don't answer. */
export async function missingServices(): Promise<ReadonlySet<string>> {
  const missing = new Set<string>();
  for (const [name, address] of Object.entries(ADDRESSES)) {
    if (await accepts(address)) continue;
    if (process.env.BRIO_REQUIRE_SERVICES === "1") {
      throw new Error(`no ${name} answers at ${address}, and BRIO_REQUIRE_SERVICES=1 says that it must`);
    }
    missing.add(name);
  }
  return missing;
}
