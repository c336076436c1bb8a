import { globSync } from "node:fs";
import { dirname, join } from "node:path";
import { checkPackage, root } from "./layers.ts";

for (const manifest of globSync("packages/*/package.json", { cwd: root }).sort()) {
  const folder = dirname(manifest);
  const { files, imports, findings, warnings } = checkPackage(join(root, folder));
  for (const warning of warnings) console.warn(`warning: ${folder}/src/${warning}`);
  for (const { file, line, rule, message } of findings) {
    console.error(`${folder}/src/${file}:${line}: [${rule}] ${message}`);
  }
  console.log(`${folder}: ${files} files, ${imports} imports, ${findings.length} broken rules`);
  if (findings.length > 0 || files === 0) process.exitCode = 1;
}
