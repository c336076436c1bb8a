import { brio } from "@brio/http/fastify";
import { sqlite } from "@brio/sql/sqlite";
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import { Type, type TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { Service } from "brio/streams";
import fastify, { type FastifyInstance } from "fastify";
import { readingRoutes } from "./readings.ts";
import { reportRoutes } from "./reports.ts";
import { Store } from "./store.ts";

declare module "fastify" {
  interface FastifyInstance {
    store: Store;
  }
}

/** The application, ready to listen. */
export async function makeApp(service: Service, path: string): Promise<FastifyInstance> {
  const app = fastify().withTypeProvider<TypeBoxTypeProvider>();
  await app.register(brio, {
    service,
    timeout: "10s",
    maxRequests: 1000,
    maxLag: "500ms",
    async *lifespan(app) {
      await using db = sqlite({ file: path });
      app.decorate("store", await Store.open(db));
      yield; // the app runs
    },
  });
  await app.register(swagger, {
    openapi: { info: { title: "Readings", version: "1.0.0", description: "What sensors have measured." } },
  });
  await app.register(swaggerUi, { routePrefix: "/docs" });

  const health = { config: { brio: { exempt: true } }, schema: { tags: ["health"] } };
  app.get("/health", health, () => ({ alive: true, ...app.brio.statistics() }));
  app.get(
    "/ready",
    { ...health, schema: { tags: ["health"], response: { "2xx": READY, 503: READY } } },
    (_request, reply) => {
      reply.code(service.ready ? 200 : 503);
      return { ready: service.ready };
    },
  );
  await app.register(readingRoutes);
  await app.register(reportRoutes);
  return app;
}

const READY = Type.Object({ ready: Type.Boolean() });
