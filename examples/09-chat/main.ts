/**
 * A chat server with rooms. A client that does not read what it is told is put out, and nobody waits for it.
 *
 *     npx node --conditions=brio-source examples/09-chat/main.ts          three people talk
 *     npx node --conditions=brio-source examples/09-chat/main.ts 7000     serves; talk to it with: nc 127.0.0.1 7000
 */
import { run, taskGroup } from "brio";
import { openConnection, type StreamReader, type StreamWriter } from "brio/streams";
import { startChat } from "./chat.ts";

const HOST = "127.0.0.1";
const PICTURE = "#".repeat(60_000);

/** Somebody at a keyboard. */
class Guest implements AsyncDisposable {
  readonly name: string;
  private readonly reader: StreamReader;
  private readonly writer: StreamWriter;

  private constructor(name: string, reader: StreamReader, writer: StreamWriter) {
    this.name = name;
    this.reader = reader;
    this.writer = writer;
  }

  static async arrive(name: string, port: number): Promise<Guest> {
    const [reader, writer] = await openConnection(HOST, port, { limit: 2 ** 17 });
    const guest = new Guest(name, reader, writer);
    await guest.hear("your name?");
    await guest.say(name);
    await guest.hear("here are");
    return guest;
  }

  async say(line: string): Promise<void> {
    this.writer.write(`${line}\n`);
    await this.writer.drain();
  }

  /** Shows what comes, up to a line with this text; pictures are too large to show. */
  async hear(text: string): Promise<string> {
    for await (const bytes of this.reader) {
      const line = bytes.toString().trim();
      if (line.length < 100) console.log(`${this.name.padEnd(5)} | ${line}`);
      if (line.includes(text)) return line;
    }
    throw new Error(`${this.name} did not hear "${text}"`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.writer[Symbol.asyncDispose]();
  }
}

async function demonstrate(port: number): Promise<void> {
  await using ada = await Guest.arrive("ada", port);
  await using ben = await Guest.arrive("ben", port);
  await ada.hear("ben has come");
  await ada.say("hello, ben");
  await ben.hear("hello");

  await ben.say("/join garden");
  await ben.hear("here are");
  await ada.hear("ben has gone");
  await ada.say("is anybody here?"); // ben does not hear this
  await ada.hear("is anybody");
  await ada.say("/join garden");
  await ada.hear("here are");
  await ben.hear("ada has come");

  await using sloth = await Guest.arrive("sloth", port);
  await sloth.say("/join garden"); // and reads nothing more
  await ben.hear("sloth has come");
  await taskGroup((group) => {
    group.createTask(() => ada.hear("too slow"));
    group.createTask(async () => {
      for (let heard = ""; !heard.includes("too slow"); ) {
        await ben.say(PICTURE);
        heard = await ben.hear(""); // his own picture, or what happened before it
      }
    });
  });
}

await run(async () => {
  const port = process.argv[2];
  await using server = await startChat(HOST, Number(port ?? 0));
  if (port === undefined) return await demonstrate(server.port);
  console.log(`chatting at ${HOST}:${server.port}`);
  await server.serveForever();
});
