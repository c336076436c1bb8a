import { createTask, Queue } from "brio";
import { type Server, type StreamReader, type StreamWriter, startServer } from "brio/streams";

/** How many lines may wait for a member. Who is further behind than that is put out: the room does not wait. */
const OUTBOX = 100;
/** The longest line. */
const LIMIT = 2 ** 17;
const LOBBY = "lobby";
/** What a connection fails with when the client does not say goodbye. */
const GONE = new Set<unknown>(["ECONNRESET", "EPIPE"]);

class Member {
  readonly name: string;
  private readonly writer: StreamWriter;
  private readonly outbox = new Queue<string>(OUTBOX);

  constructor(name: string, writer: StreamWriter) {
    this.name = name;
    this.writer = writer;
  }

  /** False if there is no room for the line: the member reads too slowly. */
  tell(line: string): boolean {
    if (this.outbox.full()) return false;
    this.outbox.putNowait(line);
    return true;
  }

  /** Sends what the member is told, as fast as it is read. */
  async deliver(): Promise<void> {
    for await (const line of this.outbox) {
      this.writer.write(`${line}\n`);
      await this.writer.drain();
    }
  }

  /** Closes the connection at once: what reads from it finds its end. */
  putOut(): void {
    this.writer.transport.abort();
  }
}

class Room {
  private readonly members = new Set<Member>();

  enter(member: Member): void {
    this.say(`* ${member.name} has come`);
    this.members.add(member);
    member.tell(`* here are: ${[...this.members].map(({ name }) => name).join(", ")}`);
  }

  leave(member: Member, why = "has gone"): void {
    if (this.members.delete(member)) this.say(`* ${member.name} ${why}`);
  }

  /** Tells everybody, and waits for nobody. */
  say(line: string): void {
    for (const member of [...this.members]) {
      if (member.tell(line)) continue;
      member.putOut();
      this.leave(member, "was too slow, and is out");
    }
  }
}

/**
 * A chat server. The first line that a client sends is its name; then `/join room` takes it to another room, `/quit` ends,
 * and everything else is said to all who are in the same room.
 */
export async function startChat(host: string, port: number): Promise<Server> {
  const rooms = new Map<string, Room>();

  const roomCalled = (name: string): Room => {
    const room = rooms.get(name) ?? new Room();
    rooms.set(name, room);
    return room;
  };

  const talk = async (reader: StreamReader, writer: StreamWriter): Promise<void> => {
    writer.write("* your name?\n");
    const name = (await reader.readLine()).toString().trim();
    if (name === "") return;
    const member = new Member(name, writer);
    await using delivery = createTask(() => member.deliver().catch(() => {})); // the reader learns of it as well
    let room = roomCalled(LOBBY);
    room.enter(member);
    try {
      for await (const bytes of reader) {
        const line = bytes.toString().trim();
        const [command, argument] = line.split(" ");
        if (delivery.done() || command === "/quit") break;
        if (command === "/join" && argument !== undefined) {
          room.leave(member);
          room = roomCalled(argument);
          room.enter(member);
        } else if (line !== "") {
          room.say(`${name}: ${line}`);
        }
      }
    } finally {
      room.leave(member);
    }
  };

  return await startServer(
    async (reader, writer) => {
      try {
        await talk(reader, writer);
      } catch (error) {
        if (!GONE.has((error as NodeJS.ErrnoException).code)) throw error;
      }
    },
    host,
    port,
    { limit: LIMIT },
  );
}
