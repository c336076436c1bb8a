// SIGTERM under the load of wrk, which keeps its connections and asks as fast as it is answered: each request that has come
// to a handler is answered, as a whole, and wrk has counted the answer.
import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { Child } from "../../../brio/test/run/child.ts";
import { frameworks } from "./frameworks.ts";

const WRK = process.env.WRK ?? "wrk";
const there = spawnSync(WRK, ["-v"]).error === undefined;
const fixture = new URL("fixtures/counting-service.ts", import.meta.url);

describe.skipIf(!there || process.platform === "win32")(
  `SIGTERM under the load of wrk (${there ? WRK : "which is not installed: apt-get install wrk, or set WRK"})`,
  () => {
    it.each(frameworks)(
      "drops no request that was accepted, on $name",
      { timeout: 60_000 },
      async ({ name }) => {
        const child = new Child(fixture, [name]);
        const port = Number(await child.line());
        const load = promisify(execFile)(WRK, [
          "-t1",
          "-c50",
          "-d3s",
          "--timeout",
          "10s",
          `http://127.0.0.1:${port}/`,
        ]);
        await child.printed("busy");
        child.kill("SIGTERM");
        const { code, err, out } = await child.ended;
        const accepted = Number(out.at(-1));
        const { stdout } = await load; // it goes on, with nobody there
        expect({ code, err }).toEqual({ code: 143, err: "" });
        expect(stdout).not.toContain("Non-2xx");
        expect(Number(/(\d+) requests in/.exec(stdout)?.[1])).toBe(accepted);
        expect(accepted).toBeGreaterThan(500);
      },
    );
  },
);
