#!/usr/bin/env node
/** `node conformance/coverage.ts`: writes COVERAGE.md from the tables in `coverage/`. */
import { writeFileSync } from "node:fs";
import { coveragePage } from "./coverage-page.ts";

writeFileSync(new URL("COVERAGE.md", import.meta.url), coveragePage());
