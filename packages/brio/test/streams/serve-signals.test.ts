import { Agent, get } from "node:http";
import { connect, type Socket } from "node:net";
import process from "node:process";
import { createInterface, type Interface } from "node:readline";
import { describe, expect, it, onTestFinished } from "vitest";
import { Child, type Ended } from "../run/child.ts";

// Windows has no such signals.
const POSIX = { skip: process.platform === "win32" };

const fixture = new URL("fixtures/services.ts", import.meta.url);

// A second signal right behind the first is taken for its echo: it comes when the program has ticked five times more.
const LATER = 5;

/** A service in a process of its own, that is ready, or about to be. */
class ServiceProcess extends Child {
  port = 0;

  static async start(program: string): Promise<ServiceProcess> {
    const child = new ServiceProcess(fixture, [program]);
    await child.printed("ready");
    return child;
  }

  /** Connects to it. */
  async client(): Promise<Client> {
    const { lines } = this as unknown as { lines: string[] };
    const port = lines.map((line) => /^port (\d+)$/.exec(line)?.[1]).find((found) => found !== undefined);
    return await Client.open(Number(port));
  }

  /** Waits until so much time has passed that a signal is a second one. */
  async later(): Promise<void> {
    const { lines } = this as unknown as { lines: string[] };
    const ticks = lines.filter((line) => line.startsWith("tick")).length;
    await this.printed(`tick ${ticks + LATER}`);
  }
}

/** How a process has ended, and what it printed besides the ticks and the port. */
async function end(child: Child): Promise<Pick<Ended, "code" | "signal" | "out">> {
  const { code, signal, out } = await child.ended;
  return { code, signal, out: out.filter((line) => !/^(?:tick|port) /.test(line)) };
}

class Client {
  readonly socket: Socket;
  private readonly lines: AsyncIterator<string>;
  private readonly reader: Interface;

  static async open(port: number): Promise<Client> {
    const socket = connect(port, "127.0.0.1");
    await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    const client = new Client(socket);
    onTestFinished(() => void socket.destroy());
    return client;
  }

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => {}); // the end of the process may reset it
    this.reader = createInterface({ input: socket });
    this.lines = this.reader[Symbol.asyncIterator]();
  }

  say(line: string): void {
    this.socket.write(`${line}\n`);
  }

  /** The next line; undefined at the end. */
  async line(): Promise<string | undefined> {
    const { done, value } = await this.lines.next();
    return done ? undefined : value;
  }
}

describe("the first SIGTERM", POSIX, () => {
  it("lets what was accepted end, and exits with 143", async () => {
    const child = await ServiceProcess.start("echo");
    const [idle, busy] = [await child.client(), await child.client()];
    idle.say("hello");
    expect(await idle.line()).toBe("hello!");
    busy.say("slow");
    await child.printed("got slow");
    child.kill("SIGTERM");
    expect([await idle.line(), await idle.line()]).toEqual(["bye", undefined]);
    expect([await busy.line(), await busy.line(), await busy.line()]).toEqual(["slow!", "bye", undefined]);
    expect(await end(child)).toEqual({
      code: 143,
      signal: null,
      out: [
        "ready",
        "got hello",
        "got slow",
        "not ready",
        "background cancelled",
        "resources given back",
        "served",
      ],
    });
    expect((await child.ended).err).toBe("");
  });

  it("cancels what has not ended in time", async () => {
    const child = await ServiceProcess.start("echo with little patience");
    const client = await child.client();
    client.say("hold");
    await child.printed("got hold");
    child.kill("SIGTERM");
    expect(await client.line()).toBeUndefined();
    expect(await end(child)).toEqual({
      code: 143,
      signal: null,
      out: [
        "ready",
        "got hold",
        "not ready",
        "handler cancelled",
        "background cancelled",
        "resources given back",
        "served",
      ],
    });
  });

  it("makes a lame duck, which still accepts", async () => {
    const child = await ServiceProcess.start("echo, as a lame duck");
    child.kill("SIGTERM");
    await child.printed("not ready");
    const late = await child.client();
    late.say("hello");
    expect(await late.line()).toBe("hello!");
    await child.later();
    child.kill("SIGTERM"); // the lame duck's hour is over now
    expect(await end(child)).toMatchObject({ code: 143, signal: null });
  });

  it("cancels a body that still runs", async () => {
    const child = await ServiceProcess.start("is slow to start");
    child.kill("SIGTERM");
    expect(await end(child)).toEqual({
      code: 143,
      signal: null,
      out: ["ready", "body cancelled", "background cancelled", "resources given back", "served"],
    });
  });
});

describe("the first SIGINT", POSIX, () => {
  it("does the same, and exits with 130", async () => {
    const child = await ServiceProcess.start("echo");
    child.kill("SIGINT");
    expect(await end(child)).toEqual({
      code: 130,
      signal: null,
      out: ["ready", "not ready", "background cancelled", "resources given back", "served"],
    });
  });
});

describe("the second signal", POSIX, () => {
  it.each([
    ["SIGTERM", "SIGTERM", 143],
    ["SIGINT", "SIGINT", 130],
    ["SIGTERM", "SIGINT", 143],
  ] as const)("cancels at once, and clean-up still runs: %s, %s", async (first, second, code) => {
    const child = await ServiceProcess.start("echo");
    const client = await child.client();
    client.say("hold");
    await child.printed("got hold");
    child.kill(first);
    await child.printed("not ready");
    await child.later();
    child.kill(second);
    expect(await end(child)).toEqual({
      code,
      signal: null,
      out: [
        "ready",
        "got hold",
        "not ready",
        "handler cancelled",
        "background cancelled",
        "resources given back",
        "served",
      ],
    });
  });

  it("that comes with the first, as from npm, is none", async () => {
    const child = await ServiceProcess.start("echo");
    const client = await child.client();
    client.say("slow");
    await child.printed("got slow");
    child.kill("SIGINT");
    child.kill("SIGINT");
    expect(await client.line()).toBe("slow!");
    expect(await end(child)).toMatchObject({ code: 130, signal: null });
  });
});

describe("the third signal", POSIX, () => {
  it("kills", async () => {
    const child = await ServiceProcess.start("does not end");
    child.kill("SIGTERM");
    await child.printed("not ready");
    await child.later();
    child.kill("SIGTERM");
    await child.later();
    child.kill("SIGTERM");
    expect(await end(child)).toEqual({ code: null, signal: "SIGTERM", out: ["ready", "not ready"] });
  });
});

describe("without a signal", () => {
  it("a service that stops itself exits with 0", async () => {
    const child = new Child(fixture, ["stops itself"]);
    expect(await end(child)).toEqual({
      code: 0,
      signal: null,
      out: ["ready", "not ready", "background cancelled", "resources given back", "served"],
    });
  });

  it("one that fails at its start ends what it had begun, and exits with 1 and the error", async () => {
    const child = new Child(fixture, ["fails at its start"]);
    expect(await end(child)).toEqual({
      code: 1,
      signal: null,
      out: ["background cancelled", "resources given back", "served"],
    });
    expect((await child.ended).err).toContain("no database");
  });

  it("one that has nothing to do is told so", async () => {
    const child = new Child(fixture, ["has nothing to do"]);
    expect(await end(child)).toEqual({ code: 1, signal: null, out: ["served"] });
    expect((await child.ended).err).toContain("DeadlockError");
  });
});

describe("a server of Node's own", POSIX, () => {
  const fetchFrom = (agent: Agent, port: number, path: string) =>
    new Promise<string>((resolve, reject) => {
      get({ agent, port, host: "127.0.0.1", path }, (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (data) => {
          body += data;
        });
        response.on("end", () => resolve(`${response.statusCode} ${body}`));
      }).on("error", reject);
    });

  function agentOf(): Agent {
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    return agent;
  }

  async function started(program: string): Promise<[ServiceProcess, number]> {
    const child = await ServiceProcess.start(program);
    const { lines } = child as unknown as { lines: string[] };
    return [child, Number(/\d+/.exec(lines.find((line) => line.startsWith("port ")) as string)?.[0])];
  }

  it("answers what it has accepted, keeps no connection open for more, and is gone", async () => {
    const [child, port] = await started("web");
    const agent = agentOf();
    expect(await fetchFrom(agent, port, "/ready")).toBe("200 ");
    const idle = agentOf();
    expect(await fetchFrom(idle, port, "/fast")).toBe("200 done");
    const slow = fetchFrom(agent, port, "/slow");
    await child.printed("got /slow");
    child.kill("SIGTERM");
    expect(await slow).toBe("200 done");
    expect(await end(child)).toEqual({
      code: 143,
      signal: null,
      out: ["ready", "got /ready", "got /fast", "got /slow", "not ready", "served"],
    });
  });

  it("drops what is not answered in time", async () => {
    const [child, port] = await started("web with little patience");
    const held = fetchFrom(agentOf(), port, "/hold").catch((error: NodeJS.ErrnoException) => error.code);
    await child.printed("got /hold");
    child.kill("SIGTERM");
    expect(await held).toBe("ECONNRESET");
    expect(await end(child)).toMatchObject({ code: 143, signal: null });
  });
});
