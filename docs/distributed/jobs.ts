import { sleep } from "brio";
import { reference, reportProgress } from "brio/threads";

export const thumbnail = reference(import.meta.url, "thumbnail", async (photo: string) => {
  await sleep("5ms"); // stands for the work
  return { path: `${photo}.webp`, bytes: 1234 };
});

export const report = reference(import.meta.url, "report", async (year: number) => {
  for (let month = 1; month <= 12; month++) reportProgress(month / 12);
  return `all of ${year}`;
});

export const pages = reference(import.meta.url, "pages", function* (site: string) {
  for (let page = 1; ; page++) yield `${site}/${page}`;
});
