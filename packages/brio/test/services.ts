import { connect } from "node:net";
import { describe } from "vitest";

/** Runs tests, or skips them. */
export type Describe = (name: string, body: () => void) => void;

/**
 * `describe` for tests that need a server. Where it doesn't answer they are skipped, and say so; with
 * BRIO_REQUIRE_SERVICES=1 that is an error.
 *
 * @param service what it is, and where: `Redis at redis://…`
 * @param hint what to do so that it answers
 */
export function describeWith(service: string, answers: boolean, hint: string): Describe {
  if (answers) return describe;
  if (process.env.BRIO_REQUIRE_SERVICES === "1") {
    throw new Error(`no ${service} answers, and BRIO_REQUIRE_SERVICES=1 says that it must`);
  }
  return (name, body) => describe.skip(`${name} (no ${service}: ${hint})`, body);
}

/** Does anything accept connections at `host:port`? */
export function accepts(address: string): Promise<boolean> {
  const [host = "", port = ""] = address.split(":");
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port) });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
