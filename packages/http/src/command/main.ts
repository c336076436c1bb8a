#!/usr/bin/env node
import process from "node:process";
import { getCommand } from "./get-command.ts";

await getCommand(process.argv.slice(2));
