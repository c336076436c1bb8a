/** The servers that some rows need, and where they are looked for. */
import { connect } from "node:net";

export type Service = "Redis" | "PostgreSQL" | "MySQL";

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

/** Those that answer. */
export async function servicesHere(services: Iterable<Service>): Promise<ReadonlySet<Service>> {
  const asked = [...new Set(services)];
  const found = await Promise.all(asked.map(answers));
  return new Set(asked.filter((_, at) => found[at]));
}
