/** What some rows need: servers, and where they are looked for; programs of the system's. */
import { spawnSync } from "node:child_process";
import { connect } from "node:net";

export type Service = "Redis" | "PostgreSQL" | "MySQL";

export type Need = Service | "wrk";

export const redisUrl: string = process.env.BRIO_REDIS_URL ?? "redis://127.0.0.1:6379";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Of `host:port`. */
function addressOf(text: string): Address {
  const [host = "", port = ""] = text.split(":");
  return { host, port: Number(port) };
}

const redis = new URL(redisUrl);

export const addresses: Readonly<Record<Service, Address>> = {
  Redis: { host: redis.hostname, port: Number(redis.port || 6379) },
  PostgreSQL: addressOf(process.env.BRIO_POSTGRES ?? "127.0.0.1:5432"),
  MySQL: addressOf(process.env.BRIO_MYSQL ?? "127.0.0.1:3306"),
};

export const isService = (need: Need): need is Service => need in addresses;

/** What is wrong if the need is not met. */
export function whyMissing(need: Need): string {
  if (!isService(need)) return `no ${need} is installed`;
  const { host, port } = addresses[need];
  return `no ${need} answers at ${host}:${port}`;
}

function isMet(need: Need): boolean | Promise<boolean> {
  return isService(need) ? answers(need) : spawnSync(need, ["-v"]).error === undefined;
}

/** Does it accept connections? */
function answers(service: Service): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(addresses[service], () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

/** Those that are met. */
export async function needsMet(needs: Iterable<Need>): Promise<ReadonlySet<Need>> {
  const asked = [...new Set(needs)];
  const found = await Promise.all(asked.map(isMet));
  return new Set(asked.filter((_, at) => found[at]));
}
