import { expect, test } from "vitest";
import { Program } from "./program.ts";

test("08-port-scanner finds the port that it opened itself, and what is said there", async () => {
  await using program = new Program("08-port-scanner/main.ts");
  const { code, lines, stderr } = await program.ended();
  expect(stderr).toBe("");
  expect(code).toBe(0);
  expect(lines).toContainEqual(expect.stringMatching(/^ *\d+ .*220 hello from brio\.$/));
  expect(lines[lines.length - 1]).toMatch(/^\d+ of \d+ ports are open$/);
});
