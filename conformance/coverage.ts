#!/usr/bin/env node
/** `npm run coverage`: writes COVERAGE.md from the tables in `coverage/`. */
import { writeFileSync } from "node:fs";
import { coveragePage } from "./coverage-page.ts";

writeFileSync(new URL("COVERAGE.md", import.meta.url), coveragePage());
