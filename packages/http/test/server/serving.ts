import { run } from "brio";
import type { Framework, Running, Site } from "./frameworks.ts";

/** Serves the site while `body` runs, in a loop. */
export async function serving(
  { serve }: Framework,
  site: Site,
  body: (running: Running) => Promise<void>,
): Promise<void> {
  await run(async () => {
    const running = await serve(site);
    try {
      await body(running);
    } finally {
      await running.close();
    }
  });
}
