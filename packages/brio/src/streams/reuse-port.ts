import process from "node:process";
import { RuntimeError } from "../loop/errors.ts";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

/** Node knows of `reusePort` since 22.12 and 23.1, and pays no attention to it before. */
const known: boolean = major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12);

/** Refuses `reusePort` where it would be passed over: the second to bind would be told that the port is in use. */
export function checkReusePort(reusePort: boolean | undefined): void {
  if (reusePort !== true || known) return;
  throw new RuntimeError(`reusePort needs Node 22.12 or later; this is ${process.version}`);
}
