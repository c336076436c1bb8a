/** One cell, in this process: node --expose-gc cell.ts REQUEST. Prints the answer as JSON. */
import type { Answer, Request } from "../harness/cell.ts";
import { measures } from "./measure.ts";
import type { Peer } from "./peer.ts";

const request = JSON.parse(process.argv[2] ?? "{}") as Request; // the harness wrote it
const file = new URL(`./${request.peer}/${request.group}.ts`, import.meta.url);

if (request.peer === "brio" && !/\/dist\/index\.js$/.test(import.meta.resolve("brio"))) {
  throw new Error(`brio is measured as it is published, and not from ${import.meta.resolve("brio")}`);
}

const { default: peer } = (await import(file.href)) as { default: Peer };
const program = peer.programs[request.row];
if (program === undefined) throw new Error(`${file.href} has no program for ${request.row}`);

await peer.main(async () => {
  const answer: Answer = { samples: await measures[request.measure](program, request) };
  process.stdout.write(`${JSON.stringify(answer)}\n`);
  // The tasks of such rows wait for an hour: no orderly end.
  if (request.measure === "heap" || request.measure === "resident") process.exit();
});
