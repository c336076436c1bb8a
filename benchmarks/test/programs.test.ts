// The programs that are timed, with so little to do that it takes no time. Those that sleep are left out.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { rows } from "../groups/index.ts";
import { isService, needsMet, whyMissing } from "../harness/needs.ts";
import { isPackage, isPython, type PeerName, peerNames } from "../harness/peers.ts";
import type { Row } from "../harness/row.ts";
import { isHere } from "../harness/system.ts";
import { check, type Peer } from "../programs/peer.ts";

const runsProgram = ({ measure }: Row): boolean =>
  ["time", "rate", "own-rate", "cpu", "lag", "heap", "resident"].includes(measure);

const groups = [...new Set(rows.map((row) => row.group))];
const inJavaScript = peerNames.filter((peer) => !isPython(peer));
const inPython = peerNames.filter((peer) => isPython(peer) && peer !== "uvloop"); // it runs those of others

const rowsOf = (group: string, name: PeerName): Row[] =>
  rows.filter((row) => row.group === group && runsProgram(row) && row.peers.includes(name));

interface Case {
  readonly group: string;
  readonly name: PeerName;
}

const cases = (names: readonly PeerName[]): Case[] =>
  groups
    .flatMap((group) => names.map((name) => ({ group, name })))
    .filter(({ group, name }) => rowsOf(group, name).length > 0);

const peers = new Map<string, Peer>();
for (const { group, name } of cases(inJavaScript)) {
  const { default: peer } = (await import(`../programs/${name}/${group}.ts`)) as { default: Peer }; // as each is written
  peers.set(`${name} ${group}`, peer);
}

test("row names are used once", () => {
  const names = rows.map((row) => row.name);
  expect(new Set(names).size).toBe(names.length);
});

test.each(cases(inJavaScript))(
  "$name has a program for each $group row that it takes part in, and no other",
  ({ group, name }) => {
    const expected = rowsOf(group, name).map((row) => row.name);
    expect(Object.keys(peers.get(`${name} ${group}`)?.programs ?? {}).sort()).toEqual(expected.sort());
  },
);

test.each(cases(inPython))("$name has a program for each $group row", ({ group, name }) => {
  const text = readFileSync(
    new URL(`../programs/python/${name}_${group.replaceAll("-", "_")}.py`, import.meta.url),
    "utf8",
  );
  const defined = [...text.matchAll(/^ {4}"([\w-]+)": /gm)].map(([, row]) => row);
  expect(defined.sort()).toEqual(
    rowsOf(group, name)
      .map((row) => row.name)
      .sort(),
  );
});

const needed = new Set(rows.flatMap(({ needs }) => needs ?? []));
const met = await needsMet(needed);
for (const need of needed) {
  if (isService(need) && !met.has(need) && process.env.BRIO_REQUIRE_SERVICES === "1")
    throw new Error(whyMissing(need));
}

const timed = rows
  .filter(({ measure }) => ["time", "rate", "own-rate", "lag", "resident"].includes(measure))
  .filter((row) => row.needs === undefined || met.has(row.needs))
  .flatMap((row) => inJavaScript.filter((peer) => row.peers.includes(peer)).map((peer) => ({ row, peer })))
  .filter(({ peer }) => isHere(peer, undefined));

test.each(timed)("$peer comes to the right result in $row.name", async ({ row, peer }) => {
  const { main, programs } = peers.get(`${peer} ${row.group}`) as Peer; // imported above
  const tasks = Math.min(row.load.tasks, 20);
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
