import { perRequest } from "@brio/http/fastify";
import { ContextVar } from "brio";
import type { FastifyInstance } from "fastify";

/** Who asks: each request has its own. */
const caller = new ContextVar<string>("caller", { default: "nobody" });

/** Says who asks, for what a request of the app does from then on. */
export function identify(app: FastifyInstance): void {
  app.addHook("onRequest", (request, _reply, done) => {
    caller.set(String(request.headers["x-caller"] ?? "nobody"));
    done();
  });
}

/**
 * What a request has done, line by line: each has one list, made when it is first asked for. When the request has ended well,
 * it is written down; when it has failed, that is.
 */
export function auditOf(app: FastifyInstance): () => Promise<string[]> {
  return perRequest(async function* (): AsyncGenerator<string[]> {
    const lines: string[] = [];
    try {
      yield lines;
      await app.store.audit(caller.get(), lines);
    } catch (error) {
      await app.store.audit(caller.get(), [`failed: ${error}`]);
    }
  });
}
