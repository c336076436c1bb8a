/** The same small application on each framework; brio's peers add themselves to it before its route. */
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import express, { type Application } from "express";
import fastify, { type FastifyInstance } from "fastify";
import { Hono } from "hono";

export const BODY = { hello: "world" };

/** What is listening, for the end. */
const servers: Server[] = [];

async function portOf(server: Server): Promise<number> {
  servers.push(server);
  if (!server.listening) await once(server, "listening");
  return (server.address() as AddressInfo).port; // it listens at a port
}

export async function onFastify(prepare: (app: FastifyInstance) => unknown): Promise<number> {
  const app = fastify();
  await prepare(app);
  app.get("/", async () => BODY);
  await app.listen({ port: 0, host: "127.0.0.1" });
  return await portOf(app.server);
}

export async function onExpress(prepare: (app: Application) => unknown): Promise<number> {
  const app = express();
  await prepare(app);
  app.get("/", async (_request, response) => {
    response.json(BODY);
  });
  return await portOf(app.listen(0, "127.0.0.1"));
}

export async function onHono(prepare: (app: Hono) => unknown): Promise<number> {
  const app = new Hono();
  await prepare(app);
  app.get("/", async (context) => context.json(BODY));
  return await portOf(serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }) as Server);
}

export function endServers(): void {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
}
