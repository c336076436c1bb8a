/**
 * Does things a million times while what they are done with lives on, and looks at the heap before and after: nothing may
 * stay behind. It measures memory, never time.
 *
 *     npm run check:leaks            everything
 *     npm run check:leaks -- queue   only the cases whose name contains "queue"
 */
import process from "node:process";
import { cases } from "./leaks/cases.ts";
import { measure } from "./leaks/measure.ts";

const wanted = process.argv.slice(2);
const chosen = cases.filter(({ name }) => wanted.every((word) => name.includes(word)));
let failed = 0;
for (const each of chosen) {
  const { count, growth, ok } = await measure(each);
  if (!ok) failed++;
  const perOp = (growth / count).toFixed(2).replace(/^-(?=0\.00$)/, "");
  console.log(
    `${ok ? "ok  " : "LEAK"}  ${perOp.padStart(8)} bytes each  ${count.toLocaleString("en")} ${each.name}`,
  );
}
console.log(`${chosen.length - failed} passed, ${failed} failed`);
if (failed > 0 || chosen.length === 0) process.exitCode = 1;
