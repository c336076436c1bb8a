import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { Program } from "./program.ts";

test("09-chat: people talk in rooms, and who does not read is put out", async () => {
  await using program = new Program("09-chat/main.ts");
  const { code, lines, stderr } = await program.ended();
  expect(stderr).toBe("");
  expect(code).toBe(0);
  const heardBy = (name: string): string[] =>
    lines.filter((line) => line.startsWith(name)).map((line) => line.slice("sloth | ".length));
  expect(heardBy("ada")).toEqual([
    "* your name?",
    "* here are: ada",
    "* ben has come",
    "ada: hello, ben",
    "* ben has gone",
    "ada: is anybody here?",
    "* here are: ben, ada",
    "* sloth has come",
    "* sloth was too slow, and is out",
  ]);
  expect(heardBy("ben")).toEqual([
    "* your name?",
    "* here are: ada, ben",
    "ada: hello, ben",
    "* here are: ben",
    "* ada has come",
    "* sloth has come",
    "* sloth was too slow, and is out",
  ]);
  expect(heardBy("sloth")).toEqual(["* your name?", "* here are: sloth"]);
});

test("09-chat serves until it gets SIGTERM, also while somebody is there", async () => {
  await using program = new Program("09-chat/main.ts", ["0"]);
  const [, port] = (await program.line((line) => line.startsWith("chatting"))).split(":");
  const client = connect(Number(port), "127.0.0.1").setEncoding("utf8");
  await once(client, "data");
  client.write("nobody\n");
  await once(client, "data");
  program.process.kill("SIGTERM");
  await once(client.resume(), "end");
  client.destroy();
  const { code, signal, stderr } = await program.ended();
  expect({ ended: code ?? signal, stderr }).toEqual({ ended: 143, stderr: "" });
});
