#!/usr/bin/env node
import process from "node:process";
import { workerCommand } from "./worker-command.ts";

await workerCommand(process.argv.slice(2));
