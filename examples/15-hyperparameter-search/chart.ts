// What came of it, as a chart: the accuracy of each trial, epoch by epoch.
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import type { Trial } from "./search.ts";

export function chart(trials: readonly Trial[], best: Trial): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const points = trials.flatMap(({ number, accuracies, state }) =>
    accuracies.map((accuracy, i) => ({ number, epoch: i + 1, accuracy, state })),
  );
  const ends = points.filter(
    ({ number, epoch }) => trials[number - 1]?.accuracies.length === epoch && number !== best.number,
  );
  const series = { x: "epoch", y: "accuracy", z: "number" } as const;
  const svg = Plot.plot({
    document,
    width: 800,
    height: 450,
    style: { background: "white", color: "#222222" },
    x: {
      label: "epoch",
      ticks: Math.min(10, Math.max(...points.map(({ epoch }) => epoch))),
      tickFormat: "d",
    },
    y: { label: "accuracy on images not seen before", grid: true, tickFormat: "%", domain: [0, 1] },
    marks: [
      Plot.lineY(points, { ...series, stroke: "#c0c4cc" }),
      Plot.dot(ends, { ...series, r: 3, fill: ({ state }) => (state === "stopped" ? "#ff725c" : "#4269d0") }),
      Plot.lineY(
        points.filter(({ number }) => number === best.number),
        { ...series, stroke: "#111111", strokeWidth: 2.5 },
      ),
    ],
  });
  svg.setAttribute("xmlns", "http://www.w3.org/2000/svg"); // an image file needs it, a page doesn't
  return `${svg.outerHTML}\n`;
}
