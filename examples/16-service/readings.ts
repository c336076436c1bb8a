import { sendEvents, sendStream } from "@brio/http/fastify";
import { type FastifyPluginAsyncTypebox, Type } from "@fastify/type-provider-typebox";
import { Broadcast } from "brio";
import { auditOf, identify } from "./caller.ts";
import type { Reading } from "./store.ts";

const NewReading = Type.Object({
  sensor: Type.String({ minLength: 1, maxLength: 64, pattern: "^[a-z0-9-]+$" }),
  value: Type.Number(),
});
const ReadingSchema = Type.Object({
  id: Type.Integer(),
  sensor: Type.String(),
  value: Type.Number(),
  at: Type.String(),
});
const Failure = Type.Object({ statusCode: Type.Integer(), error: Type.String(), message: Type.String() });

export const readingRoutes: FastifyPluginAsyncTypebox = async (app) => {
  const { store } = app;
  /** Each new reading, for those who follow the feed: who reads too slowly loses the oldest. */
  const news = new Broadcast<Reading>({ capacity: 100 });
  identify(app);
  const audit = auditOf(app);

  app.post(
    "/readings",
    { schema: { tags: ["readings"], body: NewReading, response: { 201: ReadingSchema } } },
    async (request, reply) => {
      const { sensor, value } = request.body; // typed, and valid
      const reading = await store.add(sensor, value);
      (await audit()).push(`added ${reading.id}`);
      await news.publish(reading);
      return await reply.code(201).send(reading);
    },
  );

  app.get(
    "/readings/:id",
    {
      schema: {
        tags: ["readings"],
        params: Type.Object({ id: Type.Integer({ minimum: 1 }) }),
        response: { 200: ReadingSchema, 404: Failure },
      },
    },
    async (request, reply) => {
      const reading = await store.find(request.params.id);
      if (reading !== null) return reading;
      const message = `there is no reading ${request.params.id}`;
      return await reply.code(404).send({ statusCode: 404, error: "Not Found", message });
    },
  );

  app.get(
    "/readings",
    {
      schema: {
        tags: ["readings"],
        querystring: Type.Object({
          sensor: Type.Optional(Type.String()),
          after: Type.Integer({ minimum: 0, default: 0 }),
          limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
        }),
        response: { 200: Type.Array(ReadingSchema) },
      },
    },
    async ({ query: { after, limit, sensor } }) => await store.page(after, limit, sensor),
  );

  // However many there are: made as fast as the client reads, and no further when it leaves.
  app.get(
    "/readings.csv",
    { config: { brio: { timeout: "10m" } }, schema: { tags: ["readings"], produces: ["text/csv"] } },
    (_request, reply) => {
      reply.type("text/csv; charset=utf-8");
      return sendStream(reply, async function* () {
        yield "id,sensor,value,at\n";
        for await (const { id, sensor, value, at } of store.all()) yield `${id},${sensor},${value},${at}\n`;
      });
    },
  );

  app.get("/feed", { schema: { tags: ["readings"], produces: ["text/event-stream"] } }, (_request, reply) => {
    return sendEvents(reply, async function* () {
      using readings = news.subscribe();
      for await (const reading of readings) yield { event: "reading", id: String(reading.id), data: reading };
    });
  });
};
