import { describe, expect, it } from "vitest";
import { Child } from "../../../brio/test/run/child.ts";
import { RawClient } from "./clients.ts";
import { frameworks } from "./frameworks.ts";

// Windows has no such signals.
const POSIX = { skip: process.platform === "win32", timeout: 60_000 };

const fixture = new URL("fixtures/service.ts", import.meta.url);
const CLIENTS = 50;
/** How many answers each client has before the signal. */
const BEFORE = 5;

/** Asks again and again over one connection, until the server says that it closes it; gives how many answers there were. */
async function askForEver(
  client: RawClient,
  path: string,
  enough: (answers: number) => void,
): Promise<number> {
  for (let answers = 0; ; answers++) {
    if (answers === BEFORE) enough(answers);
    if (/\r\nconnection: close\r\n/i.test(client.received)) return answers;
    client.get(path);
    await client.until("\r\n\r\nok", answers + 1); // or throws: it was dropped
  }
}

describe.each(frameworks)("SIGTERM to a service on $name", ({ name }) => {
  it("drops no request that was accepted, and ends the process in order", POSIX, async () => {
    const child = new Child(fixture, [name]);
    const port = Number(await child.line());
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => RawClient.connect(port)));
    const slow = await RawClient.connect(port);
    let warm = 0;
    const answers = await Promise.all([
      ...clients.map((client) =>
        askForEver(client, "/", () => {
          if (++warm < CLIENTS) return;
          slow.get("/slow");
          child.kill("SIGTERM");
        }),
      ),
    ]);
    expect(Math.min(...answers)).toBeGreaterThan(BEFORE);
    expect((await slow.end()).endsWith("slow")).toBe(true);
    for (const [at, client] of clients.entries()) {
      const received = await client.end();
      expect(received.split("HTTP/1.1 200 OK").length - 1).toBe(answers[at]);
      expect(received.split(/\r\nconnection: close\r\n/i).length - 1).toBe(1);
    }
    const { code, err } = await child.ended;
    expect({ code, err }).toEqual({ code: 143, err: "" });
  });
});
