import { Queue } from "../queues/queue.ts";
import { Condition } from "../sync/condition.ts";
import { Event } from "../sync/event.ts";
import { Lock } from "../sync/lock.ts";
import { Semaphore } from "../sync/semaphore.ts";

/**
 * What is wrong with a primitive in a moment in which nothing is ready: somebody waits for what could be had. A wake-up
 * was lost, and the program may wait for ever. Null if nothing is.
 */
export function lostWakeUp(resource: unknown): string | null {
  if (resource instanceof Lock) {
    const { locked, waiting } = resource.statistics();
    return !locked && waiting > 0 ? `${waiting} wait for a lock that is free` : null;
  }
  if (resource instanceof Semaphore) {
    const { value, waiting } = resource.statistics();
    return value > 0 && waiting > 0 ? `${waiting} wait for a permit, and ${value} can be had` : null;
  }
  if (resource instanceof Event) {
    const { set, waiting } = resource.statistics();
    return set && waiting > 0 ? `${waiting} wait for an event that is set` : null;
  }
  if (resource instanceof Condition) {
    const { locked, waitingForLock } = resource.statistics();
    return !locked && waitingForLock > 0 ? `${waitingForLock} wait for a lock that is free` : null;
  }
  return resource instanceof Queue ? lostInQueue(resource) : null;
}

function lostInQueue(queue: Queue<unknown>): string | null {
  const { size, maxsize, gettersWaiting, puttersWaiting, shutDown, unfinished } = queue.statistics();
  if (shutDown && gettersWaiting + puttersWaiting > 0) return "somebody waits, and it was shut down";
  if (gettersWaiting > 0 && size > 0) return `${gettersWaiting} wait for an item, and ${size} can be had`;
  if (puttersWaiting > 0 && (maxsize === 0 || size < maxsize))
    return `${puttersWaiting} wait for room, and there is some`;
  return unfinished < size ? `it holds ${size} items, and only ${unfinished} are unfinished` : null;
}
