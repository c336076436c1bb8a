// What has to be done, in what order, and how it is done: each step is a child process.
import { availableParallelism } from "node:os";
import { Event, Semaphore, taskGroup } from "brio";
import { createSubprocessShell, DEVNULL, PIPE, STDOUT } from "brio/subprocess";

export interface Step {
  /** A line for the shell. */
  readonly run: string;
  /** What has to be done before. */
  readonly needs?: readonly string[];
}

/** Does all steps, each when what it needs is done. When one fails, those that are under way are ended. */
export async function build(steps: Readonly<Record<string, Step>>, folder: string): Promise<void> {
  const done = new Map(Object.keys(steps).map((name) => [name, new Event()]));
  const slots = new Semaphore(Math.max(4, availableParallelism()));
  await taskGroup((group) => {
    for (const [name, { run, needs = [] }] of Object.entries(steps)) {
      const needed = needs.map((need) => {
        const event = done.get(need);
        if (event === undefined) throw new Error(`${name} needs ${need}, which is no step`);
        return event;
      });
      group.createTask(
        async () => {
          for (const event of needed) await event.wait();
          await slots.with(() => perform(name, run, folder));
          done.get(name)?.set();
        },
        { name },
      );
    }
  });
}

/** What it writes is shown line by line, as it comes: with several at once, each line says whose it is. */
async function perform(name: string, line: string, cwd: string): Promise<void> {
  // However this block is left, the shell and all that it has started have ended then.
  await using child = await createSubprocessShell(line, {
    cwd,
    stdin: DEVNULL,
    stdout: PIPE,
    stderr: STDOUT,
  });
  for await (const output of child.stdout) console.log(`${name}: ${output.toString().trimEnd()}`);
  const returncode = await child.wait();
  if (returncode !== 0) throw new Error(`${name} ended with ${child.signal ?? returncode}`);
  console.log(`${name} is done`);
}
