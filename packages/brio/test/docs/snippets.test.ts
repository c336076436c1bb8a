import { beforeAll, describe, expect, test } from "vitest";
import { missingServices } from "./services.ts";
import { type Run, runSnippets } from "./snippet-runs.ts";
import { typeErrors } from "./snippet-types.ts";
import { agrees, allSnippets, type Snippet } from "./snippets.ts";

const snippets = allSnippets().filter(({ info }) => !info.includes("fragment"));
const missing = await missingServices();
const toRun = snippets.filter(
  ({ info }) => !info.includes("types-only") && !info.some((word) => missing.has(word)),
);

function named(all: readonly Snippet[]): [string, Snippet][] {
  return all.map((snippet) => [`${snippet.file}:${snippet.line}`, snippet]);
}

test("the code in the docs passes the type checker", async () => {
  expect(await typeErrors(snippets)).toEqual([]);
}, 120_000);

describe("the code in the docs does what the docs say", () => {
  let runs: Map<Snippet, Run>;

  beforeAll(async () => {
    runs = await runSnippets(toRun);
  }, 120_000);

  test.each(named(toRun))("%s", (_name, snippet) => {
    const run = runs.get(snippet) as Run; // every one of them was run
    expect(run.failures).toEqual([]);
    expect(run.code).toBe(snippet.exit);
    if (snippet.exit === null && !snippet.info.includes("stderr")) expect(run.errors).toBe("");
    const printed = new Map([...snippet.prints.keys()].map((line) => [line, run.printed.get(line) ?? []]));
    expect(printed).toEqual(snippet.prints);
    if (snippet.output !== null && !agrees(run.output, snippet.output)) {
      expect(run.output.trimEnd()).toBe(snippet.output.trimEnd());
    }
  });
});
