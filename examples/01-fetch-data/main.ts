// Three fetches of one second each, together: about one second in all.
import { coroutine, gather, getRunningLoop, run, sleep } from "brio";

// Calling it does nothing yet: a coroutine begins when it is awaited, or when something makes a task of it.
const fetchData = coroutine(async (url: string) => {
  console.log(`Fetching ${url} ...`);
  await sleep("1s"); // where a real program would wait for the network
  return `Data from ${url}`;
});

export const main = coroutine(async () => {
  const loop = getRunningLoop();
  const started = loop.time();
  const results = await gather(fetchData("url1"), fetchData("url2"), fetchData("url3"));
  for (const result of results) console.log(result);
  console.log(`${((loop.time() - started) / 1000).toFixed(2)} s in all`);
});

if (import.meta.main) await run(main);
