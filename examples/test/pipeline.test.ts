import { runVirtual } from "brio/testing";
import { expect, test } from "vitest";
import { main } from "../04-pipeline/main.ts";
import { Program, printedLines } from "./program.ts";

const numbers = Array.from({ length: 12 }, (_, index) => index + 1);

test("04-pipeline: three developers share the work, and the camera waits when they are behind", async () => {
  const lines = printedLines();
  const album = await runVirtual(main);
  expect(album.map(({ number, developedBy }) => `${number} ${developedBy}`)).toEqual(
    numbers.map((number) => `${number} ${["Ada", "Blaise", "Carl"][(number - 1) % 3]}`),
  );
  expect(lines.filter((line) => line.startsWith("the camera"))).toEqual([
    "the camera waits with picture 11: 4 are to be developed",
  ]);
  expect(lines.at(-1)).toBe("12 pictures in 135 ms");
});

test("04-pipeline runs as a program, and loses and doubles no picture", async () => {
  await using program = new Program("04-pipeline/main.ts");
  const { code, lines, stderr } = await program.ended();
  expect(stderr).toBe("");
  expect(code).toBe(0);
  const developed = lines.flatMap(
    (line) => /^picture (\d+), developed by (Ada|Blaise|Carl)$/.exec(line)?.[1] ?? [],
  );
  expect(developed.map(Number).sort((a, b) => a - b)).toEqual(numbers);
  expect(lines.at(-1)).toMatch(/^12 pictures in \d+ ms$/);
});
