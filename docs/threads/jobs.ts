import { ContextVar, sleep } from "brio";
import { cancelRequested, reference, reportProgress, transfer } from "brio/threads";

export const countWords = reference(import.meta.url, "countWords", (text: string) => {
  return text.split(/\s+/).filter((word) => word !== "").length;
});

export const countPrimes = reference(import.meta.url, "countPrimes", (from: number, to: number) => {
  let count = 0;
  for (let n = Math.max(2, from); n < to && !cancelRequested(); n++) {
    let prime = true;
    for (let d = 2; d * d <= n && prime; d++) prime = n % d !== 0;
    if (prime) count++;
  }
  return count;
});

export const noise = reference(import.meta.url, "noise", (length: number) => {
  const samples = Float32Array.from({ length }, Math.random);
  return transfer(samples, [samples.buffer]); // moved, not copied
});

export const bake = reference(import.meta.url, "bake", async (cakes: number) => {
  for (let done = 1; done <= cakes; done++) {
    await sleep("5ms");
    reportProgress(done / cakes);
  }
  return `${cakes} cakes`;
});

export const primes = reference(import.meta.url, "primes", function* () {
  for (let n = 2; ; n++) {
    let prime = true;
    for (let d = 2; d * d <= n && prime; d++) prime = n % d !== 0;
    if (prime) yield n;
  }
});

export const requestId = new ContextVar<string>("requestId", { default: "none", carried: true });

export const whoAsks = reference(import.meta.url, "whoAsks", () => requestId.get());

export const crash = reference(import.meta.url, "crash", (code: number) => process.exit(code));
