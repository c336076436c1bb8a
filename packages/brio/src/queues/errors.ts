/** `getNowait` on an empty queue. */
export class QueueEmpty extends Error {
  override name = "QueueEmpty";
}

/** `putNowait` on a full queue. */
export class QueueFull extends Error {
  override name = "QueueFull";
}

/** The queue was shut down: nothing more can be put, and what could be got has been. */
export class QueueShutDown extends Error {
  override name = "QueueShutDown";
}
