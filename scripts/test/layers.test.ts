import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { checkLayers, checkPackage, type House, importsOf, longFile, root } from "../layers.ts";

const made: string[] = [];
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true });
});

/** Builds a house of these files and returns what is wrong with it, as `file:line rule`. */
function broken(files: Record<string, string>, house?: House): string[] {
  return inspect(files, house).findings.map(({ file, line, rule }) => `${file}:${line} ${rule}`);
}

function inspect(files: Record<string, string>, house?: House) {
  const src = mkdtempSync(join(tmpdir(), "layers-"));
  made.push(src);
  for (const [file, source] of Object.entries(files)) {
    mkdirSync(join(src, dirname(file)), { recursive: true });
    writeFileSync(join(src, file), source);
  }
  return checkLayers(src, ["index.ts", "testing/index.ts"], house);
}

test.each(["brio", "distributed", "sql"])("the sources of packages/%s keep the layer rule", (name) => {
  const { findings, imports } = checkPackage(join(root, "packages", name));
  expect(findings).toEqual([]);
  expect(imports).toBeGreaterThan(0);
});

describe("imports go down", () => {
  test("an import from a higher folder, and one within a folder, are fine", () => {
    expect(
      broken({
        "index.ts": `export * from "./sync/lock.ts";\n`,
        "loop/loop.ts": `import { heap } from "./heap.ts";\nimport { performance } from "node:perf_hooks";\n`,
        "loop/heap.ts": "",
        "sync/lock.ts": `import { loop } from "../loop/loop.ts";\n`,
      }),
    ).toEqual([]);
  });

  test.each([
    ["a value", `import { Lock } from "../sync/lock.ts";`],
    ["a type", `import type { Lock } from "../sync/lock.ts";`],
    ["a re-export", `export { Lock } from "../sync/lock.ts";`],
    ["a re-export of all", `export * from "../sync/lock.ts";`],
    ["a re-exported type", `export type { Lock } from "../sync/lock.ts";`],
    ["an effect", `import "../sync/lock.ts";`],
    ["a dynamic import", `const lock = await import("../sync/lock.ts");`],
    ["a type query", `let lock: import("../sync/lock.ts").Lock;`],
  ])("%s from a higher folder breaks it", (_, source) => {
    expect(broken({ "loop/loop.ts": `\n${source}\n`, "sync/lock.ts": "" })).toEqual([
      "loop/loop.ts:2 imports go down",
    ]);
  });

  test("the message names the folders", () => {
    const { findings } = inspect({
      "loop/loop.ts": `import {\n  // the lock, which isn't ours\n  Lock,\n} from "../sync/lock.ts";\n`,
      "sync/lock.ts": "",
    });
    expect(findings).toMatchObject([
      { file: "loop/loop.ts", line: 4, message: "loop/ imports sync/lock.ts, but sync/ lies above it" },
    ]);
  });

  test("imports in comments are not imports", () => {
    const doc = `/**\n * @example\n * import { run } from "brio";\n */\n// import "../sync/lock.ts"\n`;
    expect(broken({ "loop/loop.ts": `${doc}export const from = "x";\n`, "sync/lock.ts": "" })).toEqual([]);
  });
});

test("a file in no known folder is an error", () => {
  expect(broken({ "utils/misc.ts": "", "misc.ts": "" })).toEqual([
    "misc.ts:1 known folder",
    "utils/misc.ts:1 known folder",
  ]);
});

test("only entry points import an index", () => {
  expect(
    broken({
      "index.ts": "",
      "inspect/index.ts": "",
      "inspect/tree.ts": `import { run } from "../index.ts";\n`,
      "testing/index.ts": `export { run } from "../index.ts";\n`,
      "testing/clock.ts": `import { tree } from "../inspect/index.ts";\n`,
    }),
  ).toEqual(["inspect/tree.ts:1 index is for users", "testing/clock.ts:1 index is for users"]);
});

test("only node: modules and the package's own files are imported", () => {
  expect(
    broken({
      "loop/loop.ts": [
        `import { x } from "lodash";`,
        `import { y } from "fs";`,
        `import { z } from "../../test/z.ts";`,
        `import { a } from "./missing.ts";`,
      ].join("\n"),
    }),
  ).toEqual([1, 2, 3, 4].map((line) => `loop/loop.ts:${line} no dependencies`));
});

test("a package with floors and dependencies of its own may import these", () => {
  const house = { floors: ["wire", "worker"], dependencies: ["brio", "@scope/driver"] };
  expect(
    broken(
      {
        "wire/job.ts": [
          `import { run } from "brio";`,
          `import { ThreadPool } from "brio/threads";`,
          `import { connect } from "@scope/driver/fast";`,
          `import { other } from "@scope/other";`,
          `import { x } from "briony";`,
          `import { serve } from "../worker/serve.ts";`,
        ].join("\n"),
        "worker/serve.ts": "",
      },
      house,
    ),
  ).toEqual([
    "wire/job.ts:4 no dependencies",
    "wire/job.ts:5 no dependencies",
    "wire/job.ts:6 imports go down",
  ]);
});

describe("no cycles", () => {
  test("between files of a folder", () => {
    const { findings } = inspect({
      "loop/a.ts": `import { b } from "./b.ts";\n`,
      "loop/b.ts": `\nimport { c } from "./c.ts";\n`,
      "loop/c.ts": `import { a } from "./a.ts";\n`,
    });
    expect(findings).toMatchObject([
      {
        file: "loop/c.ts",
        line: 1,
        rule: "no cycles",
        message: "closes an import cycle: loop/a.ts -> loop/b.ts -> loop/c.ts -> loop/a.ts",
      },
    ]);
  });

  test("types and dynamic imports don't close one", () => {
    expect(
      broken({
        "loop/a.ts": `import { b } from "./b.ts";\n`,
        "loop/b.ts": `import type { a } from "./a.ts";\nconst a = () => import("./a.ts");\n`,
      }),
    ).toEqual([]);
  });

  test("an import of nothing but types still evaluates the file", () => {
    expect(
      broken({
        "loop/a.ts": `import { b } from "./b.ts";\n`,
        "loop/b.ts": `import { type a } from "./a.ts";\n`,
      }),
    ).toEqual(["loop/b.ts:1 no cycles"]);
  });
});

test("long files are only warned of", () => {
  const { findings, warnings } = inspect({ "loop/loop.ts": "// a line\n".repeat(longFile + 1) });
  expect(findings).toEqual([]);
  expect(warnings).toEqual([`loop/loop.ts: ${longFile + 1} lines; past 400 a file holds two ideas`]);
});

test("statements are told apart", () => {
  const source = [
    `import fs, { type Stats } from "node:fs";`,
    `import type fs2 from "node:fs";`,
    `import type from "node:path";`,
    `export const text = 'from "x"';`,
    `export type Kind = "a" | "b";`,
    `export function from(a: string, b = "from") { return "y"; }`,
  ].join("\n");
  expect(importsOf(source).map(({ line, kind }) => `${line} ${kind}`)).toEqual([
    "1 static",
    "2 type",
    "3 static",
  ]);
});
