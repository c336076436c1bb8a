import { connect } from "node:net";
import process from "node:process";

/** Does a Redis answer, for the examples that need one? With BRIO_REQUIRE_SERVICES=1, it must. */
export async function redisAnswers(): Promise<boolean> {
  const url = process.env.BRIO_REDIS_URL ?? "redis://127.0.0.1:6379";
  const { hostname, port } = new URL(url);
  const answers = await new Promise<boolean>((resolve) => {
    const socket = connect(Number(port || 6379), hostname, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
  if (!answers && process.env.BRIO_REQUIRE_SERVICES === "1") {
    throw new Error(`no Redis answers at ${url}, and BRIO_REQUIRE_SERVICES=1 says that it must`);
  }
  return answers;
}
