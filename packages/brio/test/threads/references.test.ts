import { pathToFileURL } from "node:url";
import { run } from "brio";
import {
  FunctionTable,
  isReference,
  loadFunction,
  reference,
  references,
  requireReference,
} from "brio/threads";
import { describe, expect, expectTypeOf, it } from "vitest";
import { add, area, nap } from "./fixtures/jobs.ts";

const jobsUrl = new URL("./fixtures/jobs.ts", import.meta.url);

describe("reference", () => {
  it("is called in place as the function itself, with its types", async () => {
    expect(add(1, 2)).toBe(3);
    expect(area(2)).toBe(12);
    expect(await run(() => nap(1, "x"))).toBe("x");
    expectTypeOf(add).parameters.toEqualTypeOf<[a: number, b: number]>();
    expectTypeOf(add(1, 2)).toEqualTypeOf<number>();
    expectTypeOf(() => nap(1, "x")).returns.toEqualTypeOf<Promise<string>>();
  });

  it("knows its module, its export and a name that a built module shares", () => {
    expect({ ...add }).toEqual({ module: jobsUrl.href, exportName: "add", id: "jobs#add" });
    expect([add.name, add.length, String(add)]).toEqual([
      "add",
      2,
      `<Reference jobs#add of ${jobsUrl.href}>`,
    ]);
    expect(reference("file:///srv/dist/jobs.js", "add", () => {}).id).toBe("jobs#add");
    expect(reference("file:///srv/my%20jobs.test.mjs?v=2", "run", () => {}).id).toBe("my jobs.test#run");
    expect(reference("/srv/jobs.cjs", "run", () => {}).module).toBe(pathToFileURL("/srv/jobs.cjs").href);
    expect(reference(jobsUrl, "run", () => {}, { id: "payments/run" }).id).toBe("payments/run");
  });

  it("refuses what can't be imported, and shows what to write", () => {
    expect(() => reference(import.meta.url, function work() {} as never, undefined as never)).toThrow(
      'reference() takes what the module exports the function as: reference(import.meta.url, "work", (...) => { ... }); got [Function: work]',
    );
    expect(() => reference("./jobs.ts", "run", () => {})).toThrow(
      "reference() takes the URL of a module first: import.meta.url, or import.meta.resolve(\"package\"); got './jobs.ts'",
    );
    expect(() => reference(import.meta.url, "run", 5 as never)).toThrow("reference() takes a function");
    expect(() => reference(import.meta.url, "again", add)).toThrow(
      "what is a reference already: <Reference jobs#add",
    );
  });
});

describe("references", () => {
  const jobs = references<typeof import("./fixtures/jobs.ts")>(jobsUrl);

  it("names the functions of a module, and imports it when one is called in place", async () => {
    expect(jobs.double.id).toBe("jobs#double");
    expect(jobs.double).toBe(jobs.double);
    expect(isReference(jobs.double)).toBe(true);
    expect(await jobs.double(4)).toBe(8);
    expect(await jobs.add(1, 2)).toBe(3);
    expectTypeOf(jobs.double).returns.toEqualTypeOf<Promise<number>>();
    // @ts-expect-error It is no function.
    jobs.requestId;
  });

  it("takes modules of Node's, and other names for packages", async () => {
    const zlib = references<typeof import("node:zlib")>("zlib");
    expect([zlib.gzipSync.module, zlib.gzipSync.id]).toEqual(["node:zlib", "node:zlib#gzipSync"]);
    const named = references<typeof import("node:zlib")>(jobsUrl, { name: "packed" });
    expect(named.gzipSync.id).toBe("packed#gzipSync");
    expect(() => references("lodash")).toThrow("import.meta.resolve(\"package\"); got 'lodash'");
  });

  it("can be awaited and printed like any object", async () => {
    expect(await Promise.resolve(jobs)).toBe(jobs);
    expect(`${Object.prototype.toString.call(jobs)}`).toBe("[object Object]");
  });

  it("says what there is, when there is no such function", async () => {
    const { typo } = jobs as unknown as Record<string, () => Promise<void>>;
    await expect(typo?.()).rejects.toMatchObject({
      name: "FunctionNotFoundError",
      functionId: "jobs#typo",
      available: expect.arrayContaining(["add", "double"]),
      message: expect.stringMatching(
        /^there is no function jobs#typo: file:.*jobs\.ts exports .*add.*older version/,
      ),
    });
    const gone = references<{ run(): void }>(new URL("./fixtures/gone.ts", import.meta.url));
    await expect(gone.run()).rejects.toMatchObject({
      name: "ModuleLoadError",
      functionId: "gone#run",
      message: expect.stringMatching(
        /^can't import file:.*gone\.ts, where the function gone#run is to be found: /,
      ),
    });
  });
});

describe("for executors", () => {
  it("a plain function is refused with the code that makes a reference of it", () => {
    function countWords(): void {}
    expect(() => requireReference(countWords, "pool.submit()")).toThrow(
      'pool.submit() was given a plain function, countWords: another thread has no access to it, nor to what it closes over. Export it from a module, with its name: export const countWords = reference(import.meta.url, "countWords", (...) => { ... }), and hand what it needs over as arguments: pool.submit(countWords, ...)',
    );
    expect(() => requireReference("jobs#add", "pool.submit()")).toThrow("named by reference()");
    expect(() => requireReference(add, "pool.submit()")).not.toThrow();
  });

  it("a function is loaded by its name, and the inner one is given", async () => {
    const loaded = (await loadFunction(add)) as (a: number, b: number) => number;
    expect([loaded(1, 2), isReference(loaded)]).toEqual([3, false]);
  });

  it("a table has the functions of modules by their ids", async () => {
    const table = await FunctionTable.load([jobsUrl, "node:path"]);
    expect(table.ids).toEqual(expect.arrayContaining(["jobs#add", "jobs#double", "node:path#basename"]));
    expect((table.get("jobs#double") as (n: number) => number)(2)).toBe(4);
    expect(table.has("jobs#gone")).toBe(false);
    expect(() => table.get("jobs#gone")).toThrow(
      /there is no function jobs#gone: .*jobs\.ts, node:path exports jobs#add/,
    );
  });

  it("two functions of one id are refused", async () => {
    const other = new URL("./fixtures/other/jobs.ts", import.meta.url);
    await expect(FunctionTable.load([jobsUrl, other])).rejects.toThrow("two functions are called jobs#add");
  });
});
