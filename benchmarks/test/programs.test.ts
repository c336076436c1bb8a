// The programs that are timed, with so little to do that it takes no time. Those that sleep are left out.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { rows } from "../groups/index.ts";
import { isPackage, isPython, type PeerName, peerNames } from "../harness/peers.ts";
import type { Row } from "../harness/row.ts";
import { check, type Peer } from "../programs/peer.ts";

const runsProgram = ({ measure }: Row): boolean =>
  measure === "time" || measure === "cpu" || measure === "heap";

const inJavaScript = peerNames.filter((peer) => !isPython(peer));
const peers = new Map<PeerName, Peer>();
for (const name of inJavaScript) {
  const { default: peer } = (await import(`../programs/${name}/core.ts`)) as { default: Peer }; // as each is written
  peers.set(name, peer);
}

test("row names are used once", () => {
  const names = rows.map((row) => row.name);
  expect(new Set(names).size).toBe(names.length);
});

test.each(inJavaScript)("%s has a program for each row that it takes part in, and no other", (name) => {
  const expected = rows.filter((row) => runsProgram(row) && row.peers.includes(name)).map((row) => row.name);
  expect(Object.keys(peers.get(name)?.programs ?? {}).sort()).toEqual(expected.sort());
});

test.each(["asyncio", "trio"])("%s has a program for each row", (name) => {
  const text = readFileSync(new URL(`../programs/python/${name}_core.py`, import.meta.url), "utf8");
  const defined = [...text.matchAll(/^ {4}"([\w-]+)": /gm)].map(([, row]) => row);
  expect(defined.sort()).toEqual(
    rows
      .filter(runsProgram)
      .map((row) => row.name)
      .sort(),
  );
});

const timed = rows
  .filter((row) => row.measure === "time")
  .flatMap((row) => inJavaScript.filter((peer) => row.peers.includes(peer)).map((peer) => ({ row, peer })));

test.each(timed)("$peer comes to the right result in $row.name", async ({ row, peer }) => {
  const { main, programs } = peers.get(peer) as Peer; // imported above
  const tasks = Math.min(row.load.tasks, 16);
  let calls = 0;
  await main(async () => {
    for (; calls < 2; calls++) await programs[row.name]?.(tasks, 16);
  });
  expect(calls).toBe(2);
});

test("a wrong result is an error that says what is wrong", () => {
  expect(() => check("the sum", 1, 2)).toThrow("the sum is 1, and should be 2");
});

test("what is called a package is one", () => {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    dependencies: Record<string, string>;
    devDependencies: Record<string, string>;
  };
  const installed = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
  expect(peerNames.filter(isPackage).filter((peer) => !installed.includes(peer))).toEqual([]);
});
