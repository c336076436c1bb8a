import { parentPort } from "node:worker_threads";
import * as work from "../executor-work.ts";

const functions: Readonly<Record<string, (arg: never) => number>> = { ...work };

parentPort?.on("message", ([id, name, arg]: [id: number, name: string, arg: never]) => {
  parentPort?.postMessage([id, functions[name]?.(arg)]);
});
