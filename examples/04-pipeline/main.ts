// A pipeline: a camera takes pictures, three developers work on them, an album collects the results. The queues
// between them are bounded, so the camera waits when the developers are busy, and memory stays small however many
// pictures there are. A stage that is done shuts its queue down, and the next one ends when it has emptied it.
import { getRunningLoop, Queue, run, sleep, taskGroup } from "brio";

interface Picture {
  readonly number: number;
  readonly developedBy?: string;
}

const PICTURES = 12;
const DEVELOPERS = ["Ada", "Blaise", "Carl"];

async function takePictures(film: Queue<Picture>): Promise<void> {
  for (let number = 1; number <= PICTURES; number++) {
    await sleep("5ms");
    if (film.full())
      console.log(`the camera waits with picture ${number}: ${film.qsize()} are to be developed`);
    await film.put({ number });
  }
  film.shutdown();
}

async function develop(name: string, film: Queue<Picture>, prints: Queue<Picture>): Promise<void> {
  for await (const picture of film) {
    await sleep("30ms");
    await prints.put({ ...picture, developedBy: name });
  }
}

async function collect(prints: Queue<Picture>): Promise<Picture[]> {
  const album: Picture[] = [];
  for await (const print of prints) {
    console.log(`picture ${print.number}, developed by ${print.developedBy}`);
    album.push(print);
  }
  return album;
}

export async function main(): Promise<Picture[]> {
  const loop = getRunningLoop();
  const started = loop.time();
  const film = new Queue<Picture>(4);
  const prints = new Queue<Picture>(1);
  const album = await taskGroup(async (group) => {
    group.createTask(() => takePictures(film), { name: "camera" });
    const collecting = group.createTask(() => collect(prints), { name: "album" });
    await taskGroup((laboratory) => {
      for (const name of DEVELOPERS) laboratory.createTask(() => develop(name, film, prints), { name });
    });
    prints.shutdown(); // all developers have gone home
    return await collecting;
  });
  console.log(`${album.length} pictures in ${Math.round(loop.time() - started)} ms`); // one by one: 420 ms
  return album;
}

if (import.meta.main) await run(main);
