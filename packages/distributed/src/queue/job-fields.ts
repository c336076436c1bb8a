/*
 * What brio keeps of a job beside what BullMQ does: in the same hash, so that it lives and dies with the job.
 *
 *   brio:cancel   somebody wants it stopped: the reason (a Request as JSON). Set while a worker runs it, and obeyed by the
 *                 one that does; or by the next, if that one has died meanwhile.
 *   brio:error    the error that its last attempt ended with (ThrownData as a payload). BullMQ keeps its message only.
 */
export const CANCEL_FIELD = "brio:cancel";
export const ERROR_FIELD = "brio:error";

/** The channel on which the workers of a queue are told whom to stop. `key` is the queue's own prefix: `bull:images:`. */
export function cancelChannel(key: string): string {
  return `${key}brio:cancel`;
}

/** Someone wants a job to stop. */
export interface CancelRequest {
  readonly id: string;
  /** What was given to `cancel(reason)`, as text. */
  readonly reason?: string | undefined;
}
