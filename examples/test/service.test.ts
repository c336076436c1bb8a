import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { chromium } from "playwright-core";
import { describe, expect, onTestFinished, test } from "vitest";
import { Program } from "./program.ts";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

const POST = { method: "POST", headers: { "content-type": "application/json", "x-caller": "ada" } };

/** Runs the service; gives its address. */
async function start(program: Program): Promise<string> {
  const line = await program.line((line) => line.startsWith("listening at"));
  return (line.match(/http:[^,]+/) as RegExpMatchArray)[0]; // the line has it
}

async function add(url: string, sensor: string, value: number): Promise<unknown> {
  const response = await fetch(`${url}/readings`, { ...POST, body: JSON.stringify({ sensor, value }) });
  return await response.json();
}

/** Reads a stream until it has given `part`. */
async function until(response: Response, part: string): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(piece, { stream: true });
    if (text.includes(part)) return text;
  }
  throw new Error(`it has ended: ${text}`);
}

describe.skipIf(process.platform === "win32")("16-service", { timeout: 60_000 }, () => {
  test("validates, stores, pages, and exports readings", async () => {
    await using program = new Program("16-service/main.ts", [], { PORT: "0" });
    const url = await start(program);
    expect(await add(url, "kitchen", 20.5)).toMatchObject({ id: 1, sensor: "kitchen", value: 20.5 });
    expect(await add(url, "cellar", 8)).toMatchObject({ id: 2 });
    expect(await add(url, "Kitchen!", 1)).toMatchObject({ statusCode: 400, code: "FST_ERR_VALIDATION" });
    expect(await (await fetch(`${url}/readings/1`)).json()).toMatchObject({ sensor: "kitchen" });
    expect((await fetch(`${url}/readings/99`)).status).toBe(404);
    expect((await fetch(`${url}/readings/0`)).status).toBe(400);
    expect(await (await fetch(`${url}/readings?sensor=cellar`)).json()).toEqual([
      expect.objectContaining({ id: 2 }),
    ]);
    expect(await (await fetch(`${url}/readings?after=1&limit=5`)).json()).toHaveLength(1);
    const csv = await (await fetch(`${url}/readings.csv`)).text();
    expect(csv.split("\n").map((line) => line.replace(/,[^,]*$/, ""))).toEqual([
      "id,sensor,value",
      "1,kitchen,20.5",
      "2,cellar,8",
      "",
    ]);
  });

  test("makes reports in the background", async () => {
    await using program = new Program("16-service/main.ts", [], { PORT: "0" });
    const url = await start(program);
    for (const value of [1, 2, 6]) await add(url, "attic", value);
    const response = await fetch(`${url}/reports`, { method: "POST" });
    expect(response.status).toBe(202);
    const { id } = (await response.json()) as { id: string };
    for (;;) {
      const report = (await (await fetch(`${url}/reports/${id}`)).json()) as { done: boolean };
      if (!report.done) continue;
      expect(report).toMatchObject({
        summaries: [{ sensor: "attic", count: 3, mean: 3, least: 1, most: 6 }],
      });
      break;
    }
    expect((await fetch(`${url}/reports/none`)).status).toBe(404);
  });

  test("tells new readings as they come, says how it is, and ends in order on SIGTERM", async () => {
    const folder = await mkdtemp(join(tmpdir(), "brio-service-"));
    onTestFinished(async () => await rm(folder, { recursive: true }));
    const variables = { PORT: "0", DATABASE: join(folder, "readings.sqlite") };
    {
      await using program = new Program("16-service/main.ts", [], variables);
      const url = await start(program);
      expect(await (await fetch(`${url}/health`)).json()).toMatchObject({ alive: true });
      expect(await (await fetch(`${url}/ready`)).json()).toEqual({ ready: true });
      const feed = await fetch(`${url}/feed`);
      expect(feed.headers.get("content-type")).toContain("text/event-stream");
      const followed = until(feed, "\n\nevent");
      await add(url, "garden", -3);
      await add(url, "garden", -4);
      expect(await followed).toMatch(/event: reading\nid: 1\ndata: \{"id":1,"sensor":"garden","value":-3,/);
      const other = await fetch(`${url}/feed`);
      program.process.kill("SIGTERM");
      expect(await other.text()).toBe(":\n\n"); // as a whole: a browser comes back by itself
      const { code, stderr } = await program.ended();
      expect({ code, stderr }).toEqual({ code: 143, stderr: "" });
    }
    await using program = new Program("16-service/main.ts", [], variables);
    const url = await start(program);
    expect(await (await fetch(`${url}/readings`)).json()).toHaveLength(2); // they are kept
    using database = new DatabaseSync(variables.DATABASE, { readOnly: true });
    expect(database.prepare("SELECT caller, what FROM audit ORDER BY rowid").all()).toMatchObject([
      { caller: "ada", what: "added 1" },
      { caller: "ada", what: "added 2" },
    ]);
  });

  test("describes itself", async () => {
    await using program = new Program("16-service/main.ts", [], { PORT: "0" });
    const url = await start(program);
    const { openapi, paths } = (await (await fetch(`${url}/docs/json`)).json()) as {
      openapi: string;
      paths: object;
    };
    expect(openapi).toMatch(/^3\./);
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining([
        "/readings",
        "/readings/{id}",
        "/readings.csv",
        "/feed",
        "/reports",
        "/health",
        "/ready",
      ]),
    );
  });
});

describe.skipIf(!existsSync(CHROMIUM))(
  `16-service in a browser (${CHROMIUM}, or the one of CHROMIUM)`,
  () => {
    test("its docs page tries a route, and a page follows its feed", { timeout: 120_000 }, async () => {
      await using program = new Program("16-service/main.ts", [], { PORT: "0" });
      const url = await start(program);
      const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
      try {
        const page = await browser.newPage();
        const failures: string[] = [];
        page.on("pageerror", (error) => failures.push(String(error)));
        await page.goto(`${url}/docs`);
        await page.getByRole("heading", { name: /Readings/ }).waitFor();

        // It follows the feed with the browser's own EventSource, and adds a reading in the docs page.
        const followed = page.evaluate<string>(`new Promise((resolve) => {
        const source = new EventSource("/feed");
        source.addEventListener("open", () => document.body.setAttribute("data-following", "yes"));
        source.addEventListener("reading", (event) => {
          source.close();
          resolve(event.data);
        });
      })`);
        await page.locator("body[data-following=yes]").waitFor();
        const operation = page.locator("#operations-readings-post_readings");
        await operation.locator(".opblock-summary-control").click();
        await operation.getByRole("button", { name: "Try it out" }).click();
        await operation.locator("textarea").fill('{"sensor": "browser", "value": 42}');
        await operation.getByRole("button", { name: "Execute" }).click();
        await operation.locator(".live-responses-table .response-col_status", { hasText: "201" }).waitFor();
        expect(JSON.parse(await followed)).toMatchObject({ id: 1, sensor: "browser", value: 42 });

        // The browser has closed its feed: no request is left.
        for (;;) {
          const { requests } = (await (await fetch(`${url}/health`)).json()) as { requests: number };
          if (requests === 1) break; // that one
        }
        expect(failures).toEqual([]);
      } finally {
        await browser.close();
      }
    });
  },
);
