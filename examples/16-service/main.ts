// A small service on Fastify: readings of sensors, in SQLite. Each request is a task: when its client leaves, or the time is
// over, it ends, down to its SQL statement. SIGTERM and Ctrl-C let what was accepted end.
//
//     npx node --conditions=brio-source examples/16-service/main.ts
//     PORT=8080 DATABASE=readings.sqlite npx node --conditions=brio-source examples/16-service/main.ts
//
// Its pages: http://127.0.0.1:8016/docs tries out all routes; /feed tells new readings, as they come.
import { join } from "node:path";
import process from "node:process";
import { interruptible, run } from "brio";
import { temporaryDirectory } from "brio/files";
import { serve } from "brio/streams";
import { makeApp } from "./app.ts";

const { PORT = "8016", DATABASE } = process.env;

await run(() =>
  serve(
    async (service) => {
      const path = DATABASE ?? join(service.use(await temporaryDirectory()).path, "readings.sqlite");
      const app = await makeApp(service, path);
      const address = await interruptible(app.listen({ port: Number(PORT), host: "127.0.0.1" }));
      console.log(`listening at ${address}, try it at ${address}/docs`);
    },
    { drain: "10s", grace: "5s" },
  ),
);
