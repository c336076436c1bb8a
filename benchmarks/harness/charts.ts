/** The charts in the documents, as SVG. Observable Plot draws them, on a document that isn't in a browser. */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { growthLimit, growthSizes } from "./growth.ts";
import { type PeerName, peerNames } from "./peers.ts";
import { type GrowthResults, type ResultRow, type Results, ratio } from "./results.ts";
import type { Measure, Row } from "./row.ts";

/** A peer has the same colour everywhere. (Those that never meet may share one.) */
const colours: Readonly<Record<PeerName, string>> = {
  brio: "#111111",
  native: "#9498a0",
  effect: "#4269d0",
  effection: "#efb118",
  "p-limit": "#97bbf5",
  "p-queue": "#9c6b4e",
  "async-mutex": "#ff8ab7",
  piscina: "#97bbf5",
  tinypool: "#9c6b4e",
  workerpool: "#ff8ab7",
  bullmq: "#d1495b",
  undici: "#ff725c",
  curl: "#4269d0",
  aria2: "#efb118",
  asyncio: "#3ca951",
  uvloop: "#6cc5b0",
  trio: "#a463f2",
  aiohttp: "#3ca951",
  fastapi: "#6cc5b0",
  "sqlite-thread": "#4269d0",
  aiosqlite: "#3ca951",
  asyncpg: "#6cc5b0",
  aiopg: "#3ca951",
  aiomysql: "#3ca951",
};

const WIDTH = 900;
const LINE = 26;
const LEGEND = 40;

export interface Chart {
  /** Of the file, without the group. */
  readonly name: string;
  readonly title: string;
  readonly svg: string;
}

export function comparisonCharts(results: Results, rows: readonly Row[]): Chart[] {
  const measured = (...measures: Measure[]): ResultRow[] =>
    results.rows.filter(({ row }) =>
      rows.some(({ name, measure }) => name === row && measures.includes(measure)),
    );
  return [
    {
      name: "time",
      title: "time, as a multiple of brio's (logarithmic)",
      shown: measured("time", "rate", "own-rate"),
    },
    {
      name: "footprint",
      title: "timers, memory, import and size, as a multiple of brio's (logarithmic)",
      shown: measured("cpu", "lag", "heap", "resident", "import", "packed", "installed"),
    },
  ]
    .filter(({ shown }) => shown.length > 0)
    .map(({ name, title, shown }) => ratioChart(name, title, shown));
}

/** A dot for each peer: left of the line it needs less than brio, right of it more. */
function ratioChart(name: string, title: string, rows: readonly ResultRow[]): Chart {
  const dots = rows.flatMap((row) =>
    peerNames.flatMap((peer) => {
      const value = ratio(row, peer);
      return value === undefined || peer === "brio" ? [] : [{ row: row.row, peer, value }];
    }),
  );
  const peers = peerNames.filter((peer) => dots.some((dot) => dot.peer === peer));
  const svg = render({
    ariaLabel: title,
    height: rows.length * LINE + LEGEND + 50,
    marginLeft: 140,
    marginTop: LEGEND,
    marginBottom: 50,
    x: { type: "log", grid: true, label: title, labelOffset: 45, tickFormat: (value: number) => `${value}x` },
    y: { label: null, domain: rows.map(({ row }) => row) },
    marks: [
      Plot.ruleX([1], { stroke: colours.brio, strokeWidth: 2 }),
      Plot.ruleY(
        dots,
        Plot.groupY({ x1: "min", x2: "max" }, { x1: "value", x2: "value", y: "row", stroke: "#cccccc" }),
      ),
      Plot.dot(dots, { x: "value", y: "row", r: 5, fill: (dot: (typeof dots)[number]) => colours[dot.peer] }),
      ...legend(peers),
    ],
  });
  return { name, title, svg };
}

/** Plot's own legends are HTML, which an image can't hold. */
function legend(peers: readonly PeerName[]): Plot.Markish[] {
  let from = 0;
  return peers.flatMap((peer) => {
    const place = { frameAnchor: "top-left", dx: from, dy: -26 } as const;
    from += 28 + peer.length * 8; // wide enough in whatever font the reader has
    return [
      Plot.dot([peer], { ...place, r: 5, fill: colours[peer] }),
      Plot.text([peer], { ...place, dx: place.dx + 9, textAnchor: "start", lineAnchor: "middle" }),
    ];
  });
}

/** How much more an operation costs as there are more of them. */
export function growthCharts(results: GrowthResults): Chart[] {
  const points = results.rows.flatMap(({ row, peer, steps }) =>
    steps.map(({ size, median }) => ({ row, peer, size, value: median / (steps[0]?.median ?? median) })),
  );
  const rows = [...new Set(points.map((point) => point.row))];
  const columns = 6;
  const cell = new Map(
    rows.map((row, i) => [row, { column: i % columns, line: Math.floor(i / columns) }] as const),
  );
  const column = (point: { row: string }) => cell.get(point.row)?.column;
  const line = (point: { row: string }) => cell.get(point.row)?.line;
  const title = "cost of an operation, as a multiple of what it is at the smallest size";
  const series = { x: "size", y: "value", z: "peer" };
  const colour = (point: { peer: PeerName }) => colours[point.peer];
  const facets = { fx: column, fy: line };
  const titled = rows.map((row) => ({ row }));
  const svg = render({
    ariaLabel: title,
    height: Math.ceil(rows.length / columns) * 130 + 60,
    marginLeft: 50,
    marginBottom: 45,
    x: {
      type: "log",
      inset: 10,
      labelOffset: 40,
      ticks: growthSizes,
      tickFormat: "~s",
      label: "how many (logarithmic)",
    },
    y: {
      domain: [0, Math.max(2, ...points.map((point) => point.value))],
      grid: true,
      label: title,
      ticks: 4,
    },
    fx: { axis: null },
    fy: { axis: null },
    marks: [
      Plot.frame({ stroke: "#dddddd" }),
      Plot.ruleY([growthLimit], { stroke: "#ff725c", strokeDasharray: "4 3" }),
      Plot.lineY(points, { ...series, ...facets, stroke: colour, strokeWidth: 2 }),
      Plot.dot(points, { ...series, ...facets, fill: colour, r: 3 }),
      Plot.text(titled, { text: "row", ...facets, frameAnchor: "top", dy: 4, fontWeight: "bold" }),
    ],
  });
  return [{ name: "growth", title, svg }];
}

function render(options: Plot.PlotOptions): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const svg = Plot.plot({
    ...options,
    document,
    width: WIDTH,
    // Light, whatever the page around it is.
    style: { background: "white", color: "#222222", fontSize: "12px" },
  });
  svg.setAttribute("xmlns", "http://www.w3.org/2000/svg"); // an image file needs it, a page doesn't
  return `${svg.outerHTML}\n`;
}
