// A request that ends stops what its handler asks of a database, on the server of that.
import { type Database, sql } from "@brio/sql";
import { interruptible, sleep } from "brio";
import { expect, it } from "vitest";
import { leavesNothing } from "../../../brio/test/left-behind.ts";
import { describeEach, type Kind } from "../../../sql/test/databases.ts";
import { RawClient } from "./clients.ts";
import { type Framework, frameworks } from "./frameworks.ts";

leavesNothing();

/** Serves a page that asks what never ends; a client asks for it, does `what`, and nothing runs any more. */
async function asking(
  framework: Framework,
  { endless, running }: Kind,
  db: Database,
  what: (client: RawClient) => Promise<void> | void,
): Promise<void> {
  const page = async (): Promise<string> => JSON.stringify(await db.query(endless));
  const site = { pages: { "/": page, "/limited": page }, limits: { "/limited": "200ms" } } as const;
  const { port, tasks, errors, close } = await framework.serve(site);
  try {
    const client = await interruptible(RawClient.connect(port));
    await what(client);
    await tasks.whenIdle();
    expect(await running(db)).toBe(0);
    expect(await db.one(sql`select 1 as one`)).toEqual({ one: 1 });
    expect(errors.filter((error) => (error as Error).name !== "RequestTimeoutError")).toEqual([]);
  } finally {
    await close();
  }
}

describeEach("a request that waits for a statement", (kind) => {
  it.each(frameworks)("stops it when its client leaves, on $name", (framework) =>
    kind.use((db) =>
      asking(framework, kind, db, async (client) => {
        client.get("/");
        while ((await kind.running(db)) === 0) await sleep(1);
        client.leave();
      }),
    ),
  );

  it.each(frameworks)("stops it when its time is over, on $name", (framework) =>
    kind.use((db) =>
      asking(framework, kind, db, async (client) => {
        client.get("/limited");
        await interruptible(client.until("HTTP/1.1 503 "));
      }),
    ),
  );
});
