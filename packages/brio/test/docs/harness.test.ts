// The checks of the docs must be able to fail: each kind of mistake, made on purpose.
import { expect, test } from "vitest";
import { type Run, runSnippets } from "./snippet-runs.ts";
import { typeErrors } from "./snippet-types.ts";
import { agrees, commentsOnly, type Snippet, snippetsOf } from "./snippets.ts";

/** A document with one block of code for each argument. */
function document(...blocks: string[]): Snippet[] {
  return snippetsOf("docs/made-up.md", blocks.map((block) => `text\n\n${block}\n`).join("\n"));
}

function block(code: string, info = ""): string {
  return `\`\`\`ts${info === "" ? "" : ` ${info}`}\n${code}\n\`\`\``;
}

async function runAll(snippets: readonly Snippet[]): Promise<Run[]> {
  const runs = await runSnippets(snippets);
  return snippets.map((snippet) => runs.get(snippet) as Run); // every one is run
}

test("blocks are found with their lines, words and output, in documents and in doc comments", () => {
  const text = ["# Title", "", "```ts exit=3", "a();", "```", "", "```text output", "x", "```"].join("\n");
  const [snippet] = snippetsOf("a.md", text);
  expect(snippet).toMatchObject({ line: 4, code: "a();", info: ["exit=3"], exit: 3, output: "x" });
  const source = ["/**", " * ```ts", " *   b();", " * ```", " */", "const c = `", "```ts", "```", "`;"].join(
    "\n",
  );
  expect(snippetsOf("a.ts", commentsOnly(source))).toMatchObject([{ line: 3, code: "  b();" }]);
});

test("a word after ts that means nothing is an error", () => {
  expect(() => document(block("a();", "fragmnt"))).toThrow(
    "docs/made-up.md:3: unknown word after ```ts: fragmnt",
  );
});

test("expectations stand behind console.log, and `about` and `such as` are none", () => {
  const [snippet] = document(
    block(
      "console.log(a); // 1, then 2\nb(); // 3\nconsole.log(c); // about 4\nd.then((x) => console.log(x)); // 5",
    ),
  );
  expect([...(snippet as Snippet).prints]).toEqual([
    [4, ["1", "2"]],
    [7, ["5"]],
  ]);
});

test("an ellipsis stands for anything in a line, and for nothing else", () => {
  expect(agrees("took 12 ms (a)\nend\n", "took … ms (a)\nend")).toBe(true);
  expect(agrees("took 12 ms (b)\nend\n", "took … ms (a)\nend")).toBe(false);
  expect(agrees("took 1\n2 ms\n", "took … ms")).toBe(false);
});

test("what a line prints is noted under its line in the document, also when a loop repeats it", async () => {
  const [run] = await runAll(
    document(block('for (const n of [1, 2]) console.log("n", n);\n\nconsole.log({ a: 1 });')),
  );
  expect([...(run as Run).printed]).toEqual([
    [4, ["n 1", "n 2"]],
    [6, ["{ a: 1 }"]],
  ]);
  expect(run).toMatchObject({ output: "n 1\nn 2\n{ a: 1 }\n", errors: "", failures: [], code: null });
});

test("a snippet that throws, or leaves a rejection, an exit code or a listener behind, fails alone", async () => {
  const runs = await runAll(
    document(
      block('throw new Error("thrown");'),
      block('void Promise.reject(new Error("left alone"));'),
      block("process.exitCode = 3;"),
      block('process.on("SIGINT", () => {});'),
      block('console.error("complaint");'),
      block('console.log("fine");'),
    ),
  );
  expect(runs.map(({ failures }) => failures.join().split("\n")[0])).toEqual([
    "Error: thrown",
    "Error: left alone",
    "it left process.exitCode at 3",
    expect.stringContaining("it left listeners behind"),
    "",
    "",
  ]);
  expect(runs.map(({ errors }) => errors)).toEqual(["", "", "", "", "complaint\n", ""]);
});

test("a snippet that ends the process fails, and the ones after it are run", async () => {
  const snippets = document(block("process.exit(7);"), block("1 + 1;"), block('console.log("still run");'));
  const [first, , third] = await runAll(snippets);
  expect(first?.failures).toEqual(["the process ended with 7: "]);
  expect(third).toMatchObject({ failures: [], output: "still run\n" });
});

test("a snippet with an exit code has a process of its own, and its code is noted", async () => {
  const [run] = await runAll(
    document(block('process.kill(process.pid, "SIGKILL");', "exit=9"), block("process.exit(4);", "exit=4")),
  );
  expect(run?.code).toBe(null);
  const [, second] = await runAll(document(block("1 + 1;", "exit=9"), block("process.exit(4);", "exit=4")));
  expect(second?.code).toBe(4);
});

test("a mistake in types is reported with its place in the document", async () => {
  const [wrong, fine] = document(
    block("export const n: number = 1;\nn.foo();"),
    block('import { run } from "brio";\nawait run(async () => 1);'),
  );
  expect(await typeErrors([wrong as Snippet, fine as Snippet])).toEqual([
    expect.stringMatching(/^docs\/made-up\.md:5: .*Property 'foo' does not exist/),
  ]);
});
