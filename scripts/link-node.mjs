// Puts the pinned Node into node_modules/.bin, where npm scripts find it before the system's.
//
// npm 11 does this by itself. npm 10 doesn't: when it discards the packages made for other platforms, it
// also deletes the bin link that they share with ours. Plain JavaScript, since any old Node may run it.
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const modules = join(dirname(dirname(fileURLToPath(import.meta.url))), "node_modules");
const bin = join(modules, ".bin");
const windows = process.platform === "win32";
const prefix = process.platform === "darwin" && process.arch === "arm64" ? "node-bin" : "node";
const platform = windows ? "win" : process.platform;
const binary = join(modules, `${prefix}-${platform}-${process.arch}`, "bin", windows ? "node.exe" : "node");
const link = join(bin, windows ? "node.cmd" : "node");

if (!existsSync(binary)) {
  console.warn(
    `No pinned Node for ${process.platform} ${process.arch}: npm scripts run on ${process.version}.`,
  );
} else if (!existsSync(link)) {
  mkdirSync(bin, { recursive: true });
  if (windows) {
    writeFileSync(link, `@"%~dp0\\${relative(bin, binary)}" %*\r\n`);
  } else {
    symlinkSync(relative(bin, binary), link);
    chmodSync(binary, 0o755);
  }
}
