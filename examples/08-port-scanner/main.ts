/**
 * Which TCP ports of this machine are open, and what do those who listen say first? Hundreds of connections are tried at
 * once, and no more than that: the system has only so many descriptors.
 *
 *     npx node --conditions=brio-source examples/08-port-scanner/main.ts [from] [to]
 */
import { moveOnAfter, run, Semaphore, taskGroup } from "brio";
import { getnameinfo, openConnection, startServer } from "brio/streams";

const HOST = "127.0.0.1";
const AT_ONCE = 256;

interface OpenPort {
  readonly port: number;
  readonly service: string;
  readonly banner: string;
}

async function probe(port: number): Promise<OpenPort | null> {
  let connection: Awaited<ReturnType<typeof openConnection>>;
  try {
    connection = await openConnection(HOST, port);
  } catch {
    return null; // nobody listens
  }
  const [reader, writer] = connection;
  await using _ = writer;
  // Some speak first (SSH, SMTP, databases); the others wait to be spoken to.
  const greeting = await moveOnAfter("200ms", () => reader.read(80));
  const banner = greeting?.toString("latin1").replace(/[^ -~]+/g, ".") ?? "";
  const { service } = await getnameinfo(HOST, port);
  return { port, service, banner };
}

export async function scan(from: number, to: number): Promise<OpenPort[]> {
  const open: OpenPort[] = [];
  const slots = new Semaphore(AT_ONCE);
  await taskGroup(async (group) => {
    for (let port = from; port <= to; port++) {
      await slots.acquire();
      group.createTask(async () => {
        try {
          const found = await probe(port);
          if (found !== null) open.push(found);
        } finally {
          slots.release();
        }
      });
    }
  });
  return open.sort((a, b) => a.port - b.port);
}

await run(async () => {
  // Something to find, also on a machine where nothing else listens.
  await using server = await startServer((_, writer) => writer.write("220 hello from brio\r\n"), HOST, 0);
  const [from = server.port - 50, to = server.port + 50] = process.argv.slice(2).map(Number);
  const open = await scan(Math.max(from, 1), Math.min(to, 65_535));
  for (const { port, service, banner } of open)
    console.log(String(port).padStart(5), service.padEnd(12), banner);
  console.log(`${open.length} of ${to - from + 1} ports are open`);
});
