import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import * as onExpress from "@brio/http/express";
import type { RequestTasks, RequestTasksOptions, ServerEvent } from "@brio/http/fastify";
import * as onFastify from "@brio/http/fastify";
import * as onHono from "@brio/http/hono";
import { serve as serveHono } from "@hono/node-server";
import { type Duration, interruptible } from "brio";
import express, { type ErrorRequestHandler } from "express";
import fastify from "fastify";
import { Hono } from "hono";

/** A small site, the same on each framework. What fails is noted in `errors`, and answered with its name. */
export interface Site {
  /** GET, and POST: given the body. */
  readonly pages?: Record<string, (body: unknown) => Promise<string> | string>;
  readonly streams?: Record<string, () => AsyncGenerator<string>>;
  readonly feeds?: Record<string, () => AsyncGenerator<ServerEvent>>;
  /** Time limits of paths. */
  readonly limits?: Record<string, Duration | null>;
  readonly options?: RequestTasksOptions & { lifespan?: () => AsyncGenerator<undefined> };
  readonly heartbeat?: Duration | null;
}

/** A site that is served. */
export interface Running {
  readonly port: number;
  readonly tasks: RequestTasks;
  /** What the framework's error handler was told. */
  readonly errors: unknown[];
  close(): Promise<void>;
}

export interface Framework {
  readonly name: string;
  serve(site: Site): Promise<Running>;
}

const statusOf = (error: unknown): number => (error as { statusCode?: number }).statusCode ?? 500;

async function onFastifyServe(site: Site): Promise<Running> {
  const { pages = {}, streams = {}, feeds = {}, limits = {}, options = {}, heartbeat = null } = site;
  const errors: unknown[] = [];
  const app = fastify();
  await app.register(onFastify.brio, options);
  app.setErrorHandler((error: Error, _request, reply) => {
    errors.push(error);
    return reply
      .code(statusOf(error))
      .headers((error as { headers?: object }).headers ?? {})
      .send(error.name);
  });
  const route = (path: string) =>
    path in limits ? { config: { brio: { timeout: limits[path] as Duration | null } } } : {};
  for (const [path, page] of Object.entries(pages)) {
    app.get(path, route(path), () => page(undefined));
    app.post(path, route(path), (request) => page(request.body));
  }
  for (const [path, stream] of Object.entries(streams))
    app.get(path, route(path), (_request, reply) => onFastify.sendStream(reply, stream));
  for (const [path, feed] of Object.entries(feeds))
    app.get(path, route(path), (_request, reply) => onFastify.sendEvents(reply, feed, { heartbeat }));
  await app.listen({ port: 0, host: "127.0.0.1" });
  const { port } = app.server.address() as AddressInfo;
  return { port, tasks: app.brio, errors, close: async () => void (await app.close()) };
}

async function listening(server: Server, tasks: RequestTasks, errors: unknown[]): Promise<Running> {
  if (!server.listening) await interruptible(once(server, "listening"));
  const { port } = server.address() as AddressInfo;
  return { port, tasks, errors, close: async () => await tasks[Symbol.asyncDispose]() };
}

async function onExpressServe(site: Site): Promise<Running> {
  const { pages = {}, streams = {}, feeds = {}, limits = {}, options = {}, heartbeat = null } = site;
  const errors: unknown[] = [];
  const app = express();
  const tasks = await onExpress.brio(app, options);
  app.use(express.json());
  for (const [path, limit] of Object.entries(limits)) app.use(path, onExpress.timeLimit(limit));
  for (const [path, page] of Object.entries(pages)) {
    app.get(path, async (_request, response) => {
      response.send(await page(undefined));
    });
    app.post(path, async (request, response) => {
      response.send(await page(request.body));
    });
  }
  for (const [path, stream] of Object.entries(streams))
    app.get(path, (_request, response) => onExpress.sendStream(response, stream));
  for (const [path, feed] of Object.entries(feeds))
    app.get(path, (_request, response) => onExpress.sendEvents(response, feed, { heartbeat }));
  const noted: ErrorRequestHandler = (error, _request, response, next) => {
    errors.push(error);
    if (response.headersSent) next(error);
    else response.status(statusOf(error)).send(error.name);
  };
  app.use(noted);
  return await listening(app.listen(0, "127.0.0.1"), tasks, errors);
}

async function onHonoServe(site: Site): Promise<Running> {
  const { pages = {}, streams = {}, feeds = {}, limits = {}, options = {}, heartbeat = null } = site;
  const errors: unknown[] = [];
  const app = new Hono();
  const tasks = await onHono.brio(app, options);
  for (const [path, limit] of Object.entries(limits)) app.use(path, onHono.timeLimit(limit));
  for (const [path, page] of Object.entries(pages)) {
    app.get(path, async (context) => context.text(await page(undefined)));
    app.post(path, async (context) => context.text(await page(await context.req.json())));
  }
  for (const [path, stream] of Object.entries(streams))
    app.get(path, (context) => onHono.sendStream(context, stream));
  for (const [path, feed] of Object.entries(feeds))
    app.get(path, (context) => onHono.sendEvents(context, feed, { heartbeat }));
  app.onError((error, context) => {
    errors.push(error);
    const { headers = {} } = error as { headers?: Record<string, string> };
    return context.text(error.name, statusOf(error) as 500, headers);
  });
  const server = serveHono({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }) as Server;
  return await listening(tasks.attach(server), tasks, errors);
}

export const frameworks: readonly Framework[] = [
  { name: "fastify", serve: onFastifyServe },
  { name: "express", serve: onExpressServe },
  { name: "hono", serve: onHonoServe },
];
