import { randomUUID } from "node:crypto";
import { background } from "@brio/http/fastify";
import { type FastifyPluginAsyncTypebox, Type } from "@fastify/type-provider-typebox";
import type { Summary } from "./store.ts";

const Report = Type.Object({
  id: Type.String(),
  done: Type.Boolean(),
  summaries: Type.Array(
    Type.Object({
      sensor: Type.String(),
      count: Type.Integer(),
      mean: Type.Number(),
      least: Type.Number(),
      most: Type.Number(),
    }),
  ),
});

export const reportRoutes: FastifyPluginAsyncTypebox = async (app) => {
  const reports = new Map<string, Summary[] | null>();

  // The answer comes at once; the report is made afterwards, also when the client has left, and when the server stops.
  app.post(
    "/reports",
    { schema: { tags: ["reports"], response: { 202: Report } } },
    async (_request, reply) => {
      const id = randomUUID();
      reports.set(id, null);
      background(async () => void reports.set(id, await app.store.summarize()), { name: `report ${id}` });
      return await reply.code(202).send({ id, done: false, summaries: [] });
    },
  );

  app.get(
    "/reports/:id",
    { schema: { tags: ["reports"], params: Type.Object({ id: Type.String() }), response: { 200: Report } } },
    async ({ params: { id } }, reply) => {
      const summaries = reports.get(id);
      if (summaries === undefined) return await reply.callNotFound();
      return { id, done: summaries !== null, summaries: summaries ?? [] };
    },
  );
};
