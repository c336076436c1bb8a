// The programs that are timed, with so little to do that it takes no time. Those that sleep are left out.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { rows } from "../groups/index.ts";
import { isPackage, isPython, type PeerName, peerNames } from "../harness/peers.ts";
import type { Row } from "../harness/row.ts";
import { addresses, servicesHere } from "../harness/services.ts";
import { check, type Peer } from "../programs/peer.ts";

const runsProgram = ({ measure }: Row): boolean =>
  ["time", "rate", "cpu", "lag", "heap", "resident"].includes(measure);

const groups = [...new Set(rows.map((row) => row.group))];
const inJavaScript = peerNames.filter((peer) => !isPython(peer));
const inPython = peerNames.filter((peer) => isPython(peer) && peer !== "uvloop"); // which runs asyncio's

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
  const text = readFileSync(new URL(`../programs/python/${name}_${group}.py`, import.meta.url), "utf8");
  const defined = [...text.matchAll(/^ {4}"([\w-]+)": /gm)].map(([, row]) => row);
  expect(defined.sort()).toEqual(
    rowsOf(group, name)
      .map((row) => row.name)
      .sort(),
  );
});

const needed = new Set(rows.flatMap(({ needs }) => needs ?? []));
const services = await servicesHere(needed);
for (const service of needed) {
  if (services.has(service) || process.env.BRIO_REQUIRE_SERVICES !== "1") continue;
  const { host, port } = addresses[service];
  throw new Error(`no ${service} answers at ${host}:${port}`);
}

const timed = rows
  .filter(
    (row) =>
      row.measure === "time" || row.measure === "rate" || row.measure === "lag" || row.measure === "resident",
  )
  .filter((row) => row.needs === undefined || services.has(row.needs))
  .flatMap((row) => inJavaScript.filter((peer) => row.peers.includes(peer)).map((peer) => ({ row, peer })));

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
