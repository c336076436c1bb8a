#!/usr/bin/env node
// Runs oracle.py and gen.py on CPython 3.14 (Pyodide, WebAssembly) inside Node, and prints recordings:
// {"scenario": …, "result": …} per line.
//   npm i pyodide@314            (in some folder; run from it or set PYODIDE_DIR)
//   node run314.mjs [--robust N] [--no-ties] < scenarios.jsonl
//        --no-ties: leaves out what failed, or had two timers due at the same instant
//   node run314.mjs --gen FROM TO [--target 3.14] [--mode calm|mixed|racy] [--robust N]
//        generates the scenarios of these seeds (free of ties, on 3.14)
import { readFileSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath, pathToFileURL } from "node:url";

const STDOUT = 1;
const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(join(process.env.PYODIDE_DIR ?? process.cwd(), "x.js"));
const { loadPyodide } = await import(pathToFileURL(require.resolve("pyodide/pyodide.mjs")).href);

const argument = (name, offset = 1) => {
  const i = process.argv.indexOf(name);
  return i > 0 ? process.argv[i + offset] : undefined;
};
const robust = Number(argument("--robust") ?? 0);
const scenarios = process.argv.includes("--gen") ? "" : await text(process.stdin);

const python = await loadPyodide({ stderr: (s) => process.stderr.write(`${s}\n`) });
python.FS.mkdirTree("/oracle");
for (const file of ["oracle.py", "gen.py"]) {
  python.FS.writeFile(`/oracle/${file}`, readFileSync(join(here, file), "utf8"));
}
python.runPython(`
import sys
sys.path.insert(0, "/oracle")
import gc, gen, json, oracle

KEPT = ("trace", "robust", "once", "end", "python", "ties", "error")

def recording(scenario, result, robust):
    if robust:
        result["robust"] = result["error"] is None and oracle.is_robust(scenario, result, robust)
    kept = {k: result[k] for k in KEPT if result.get(k) is not None}
    return json.dumps({"scenario": scenario, "result": kept}, separators=(",", ":"))

def record(line, robust):
    scenario = json.loads(line)
    return recording(scenario, oracle.run(scenario), robust)

def generate(seed, target, mode, robust):
    return recording(*gen.generate(seed, tuple(int(x) for x in target.split(".")), mode or None), robust)
`);
const [record, generate, collect] = ["record", "generate", "gc.collect"].map((name) =>
  python.runPython(name),
);

let printed = 0;
function print(line) {
  let bytes = Buffer.from(`${line}\n`);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(STDOUT, bytes));
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
  printed += 1;
  if (printed % 100 === 0) collect();
}

if (process.argv.includes("--gen")) {
  const [from, to] = [Number(argument("--gen")), Number(argument("--gen", 2))];
  for (let seed = from; seed < to; seed += 1) {
    print(generate(seed, argument("--target") ?? "3.14", argument("--mode") ?? "", robust));
  }
} else {
  for (const line of scenarios.split("\n")) {
    if (line.trim() === "") continue;
    const recording = record(line, robust);
    const { ties, error } = JSON.parse(recording).result;
    if (!process.argv.includes("--no-ties") || (ties === 0 && error === undefined)) print(recording);
  }
}
process.exit(0);
