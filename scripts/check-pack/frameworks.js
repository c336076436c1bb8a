// What web frameworks are given loads quickly: the client, and undici with it, is not a part of it.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import * as express from "@brio/http/express";
import * as fastify from "@brio/http/fastify";
import * as hono from "@brio/http/hono";

for (const entry of [express, fastify, hono]) assert.equal(typeof entry.brio, "function");
const loaded = Object.keys(createRequire(import.meta.url).cache);
assert.deepEqual(
  loaded.filter((file) => file.includes("undici")),
  [],
);
console.log("The integrations of web frameworks load no client.");
