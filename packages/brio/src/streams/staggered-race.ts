import { CancelScope, moveOnAfter } from "../cancel/cancel-scope.ts";
import { CancelledError } from "../cancel/errors.ts";
import { taskGroup } from "../compose/task-group.ts";
import type { Duration } from "../loop/duration.ts";
import { Event } from "../sync/event.ts";

/**
 * Begins one attempt after the other, the next when the last has failed or has taken longer than `delay`; the first that
 * succeeds cancels the others and waits until they have ended.
 *
 * *Cancel safety*: what an attempt has got is given to `discard`.
 *
 * @param discard takes the result of an attempt that came second
 * @returns the result; or, if all have failed, their errors in the order of the attempts
 */
export async function staggeredRace<T>(
  attempts: readonly (() => Promise<T>)[],
  delay: Duration | null,
  discard: (value: T) => void,
): Promise<{ readonly value: T } | { readonly errors: readonly unknown[] }> {
  const [only, second] = attempts;
  if (only !== undefined && second === undefined) return await alone(only);
  const errors: unknown[] = [];
  let winner: { readonly value: T } | undefined;
  const scope = new CancelScope();
  try {
    await scope.run(() =>
      taskGroup(async (group) => {
        const begin = async (index: number): Promise<void> => {
          const attempt = attempts[index];
          if (attempt === undefined || winner !== undefined) return;
          const failed = new Event();
          group.createTask(async () => {
            await moveOnAfter(delay, () => failed.wait());
            await begin(index + 1);
          });
          try {
            const value = await attempt();
            if (winner !== undefined) return discard(value);
            winner = { value };
            scope.cancel();
          } catch (error) {
            if (error instanceof CancelledError) throw error; // no attempt follows
            errors[index] = error;
            failed.set();
          }
        };
        await begin(0);
      }),
    );
  } catch (error) {
    if (winner !== undefined) discard(winner.value); // cancelled from outside
    throw error;
  }
  return winner ?? { errors };
}

async function alone<T>(attempt: () => Promise<T>): Promise<{ value: T } | { errors: unknown[] }> {
  try {
    return { value: await attempt() };
  } catch (error) {
    if (error instanceof CancelledError) throw error;
    return { errors: [error] };
  }
}
