/** The command line of `npm run bench`. */
import { parseArgs } from "node:util";
import type { Effort } from "./cell.ts";
import { type PeerName, peerNames, titles } from "./peers.ts";
import type { Row } from "./row.ts";

export interface Options {
  readonly rows: readonly Row[];
  /** In the order in which they take turns. brio is always there: it is what ratios are to. */
  readonly peers: readonly PeerName[];
  readonly effort: Effort;
  readonly quick: boolean;
  readonly growth: boolean;
  /** Where to write the results, besides the terminal. */
  readonly json: string | undefined;
  /** Whether to write what is committed: results, tables, charts. */
  readonly write: boolean;
  readonly help: boolean;
}

/** A command line that can't be meant: its message says what can. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const thorough: Effort = { runs: 5, warmUpTime: 400, time: 600, limit: 120_000 };
const hasty: Effort = { runs: 1, warmUpTime: 60, time: 60, limit: 60_000 };
/** A million tasks take their time, and warming up happens at the smallest size. */
const growing: Effort = { ...thorough, runs: 3, limit: 600_000 };
const growingHastily: Effort = { ...hasty, limit: 600_000 };

export function parseOptions(args: readonly string[], rows: readonly Row[]): Options {
  const { values } = parse(args);
  const { quick = false, growth = false, write = false, help = false } = values;
  const chosen = chosenRows(values.only, rows);
  if (write && (values.peers !== undefined || !areGroups(chosen, rows))) {
    throw new UsageError(
      "--write publishes whole groups: leave --peers out, and single rows of --only, or --write",
    );
  }
  let effort = quick ? hasty : thorough;
  if (growth) effort = quick ? growingHastily : growing;
  if (values.runs !== undefined) effort = { ...effort, runs: wholeNumber("--runs", values.runs) };
  return {
    rows: quick ? chosen.map(withoutSlow) : chosen,
    peers: chosenPeers(values.peers, growth),
    effort,
    quick,
    growth,
    json: values.json,
    write,
    help,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: "string", multiple: true },
        peers: { type: "string", multiple: true },
        quick: { type: "boolean" },
        growth: { type: "boolean" },
        runs: { type: "string" },
        json: { type: "string" },
        write: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** Both `--only a,b` and `--only a --only b`. */
const listed = (values: readonly string[]): string[] =>
  values.flatMap((value) => value.split(",")).filter((value) => value !== "");

function chosenRows(only: readonly string[] | undefined, rows: readonly Row[]): readonly Row[] {
  if (only === undefined) return rows;
  const names = listed(only);
  for (const name of names) {
    if (rows.some((row) => isOf(row, name))) continue;
    throw new UsageError(`--only takes rows and groups: there is no ${name} in ${rowNames(rows)}`);
  }
  return rows.filter((row) => names.some((name) => isOf(row, name)));
}

/** Groups may be named together: `http` is `http-client`, `http-server` and so on. */
const isOf = (row: Row, name: string): boolean =>
  row.name === name || row.group === name || row.group.startsWith(`${name}-`);

/** A group is measured, and published, apart from others. */
function areGroups(chosen: readonly Row[], rows: readonly Row[]): boolean {
  return chosen.every(({ group }) => rows.every((row) => row.group !== group || chosen.includes(row)));
}

function chosenPeers(peers: readonly string[] | undefined, growth: boolean): readonly PeerName[] {
  if (peers === undefined) return growth ? ["brio", "native"] : peerNames;
  const names = listed(peers);
  for (const name of names) {
    if ((peerNames as readonly string[]).includes(name)) continue;
    throw new UsageError(`--peers takes some of ${peerNames.join(", ")}: there is no ${name}`);
  }
  return peerNames.filter((peer) => peer === "brio" || names.includes(peer));
}

const withoutSlow = (row: Row): Row => ({
  ...row,
  peers: row.peers.filter((peer) => !row.slow?.includes(peer)),
});

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) {
    throw new UsageError(`${option} takes a whole number from 1, got ${text}`);
  }
  return value;
}

function rowNames(rows: readonly Row[]): string {
  return [...new Set(rows.map((row) => row.group)), ...rows.map((row) => row.name)].join(", ");
}

export function help(rows: readonly Row[]): string {
  const width = Math.max(...rows.map((row) => row.name.length));
  const peers = peerNames.map((peer) => (titles[peer] === peer ? peer : `${peer} (${titles[peer]})`));
  return `npm run bench -- [options]

  --only ROW|GROUP   only these rows (a,b or repeated); http is all groups whose names begin with that
  --peers LIST       only these peers; brio always takes part
  --quick            one short run of each cell, in about a minute, without what is slow
  --runs N           how many processes each cell is measured in
  --growth           instead: what an operation costs when there are 1,000 to 1,000,000; of brio and native promises,
                     unless --peers says otherwise
  --json FILE        write the results there as well
  --write            write the committed results, tables and charts; of all rows, or of the groups of --only
  --help             this text

BRIO_BENCH_PYTHON is the Python that has asyncio, uvloop and trio, if it isn't python3 or the system's.

Peers: ${peers.join(", ")}

Rows:
${rows.map((row) => `  ${row.name.padEnd(width)}  ${row.group}: ${row.title.replaceAll("`", "")}`).join("\n")}
`;
}
