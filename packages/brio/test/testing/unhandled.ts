/** Runs `fn` while nobody else hears of unhandled rejections: the test runner would take them for its own. */
export async function silently<T>(fn: () => Promise<T>): Promise<T> {
  const listeners = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  try {
    return await fn();
  } finally {
    for (const listener of listeners) process.on("unhandledRejection", listener);
  }
}
