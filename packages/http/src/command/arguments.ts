import { inspect, parseArgs } from "node:util";
import type { HttpClientOptions } from "../client/options.ts";
import type { DownloadAllOptions, DownloadItem } from "../download/download-all.ts";

export const USAGE = `Downloads files, several at a time; goes on where an earlier try has ended.

  brio-get URL... [options]

  -i, --input FILE       take URLs from a file too, one on a line (- is stdin); a checksum may follow, and # begins a comment
  -d, --directory DIR    where they go (default: here); it is made if it is not there
  -o, --output NAME      the name, for a single URL (default: what the server says, or the end of the URL)
  -j, --jobs N           how many files at once (default: 8)
      --per-host N       how many at once from one server (default: 4)
  -s, --ranges N         into how many ranges a large file is divided, that come at the same time (default: 1)
      --limit-rate RATE  at most so many bytes per second, in all: 500k, 2M
      --max-size SIZE    nothing larger than that: 100M
      --existing WHAT    what to do about a file of that name: replace (default), skip or error
      --no-resume        begin anew, and leave nothing when it fails
      --checksum SUM     what the file must be, for a single URL: sha256:9f86d0...
      --attempts N       how often in a row it may fail without a byte (default: 5)
  -H, --header LINE      send a header: "Authorization: Bearer ..." (several times, if need be)
      --user NAME:PASS   name and password for HTTP's Basic scheme
      --connect-timeout TIME, --idle-timeout TIME   how long to wait for a connection, and for data: 10s
      --proxy URL        go through a proxy (default: HTTP_PROXY, HTTPS_PROXY and NO_PROXY)
      --insecure         accept any certificate
      --json             write a line of JSON for each file to stdout, and one that sums up
  -q, --quiet            write errors only
  -h, --help, --version

Exit codes: 0 all is there; 1 some failed; 2 wrong usage; 130 or 143 stopped by SIGINT or SIGTERM (what has come is kept).`;

/** What is to be done: print something, or download. */
export type Command =
  | { readonly do: "print"; readonly what: "usage" | "version" }
  | {
      readonly do: "download";
      readonly items: readonly DownloadItem[];
      /** A file with more of them; "-" is stdin. */
      readonly input: string | null;
      readonly options: DownloadAllOptions;
      readonly client: HttpClientOptions;
      readonly json: boolean;
      readonly quiet: boolean;
    };

/** Wrong usage: what is wrong. */
export class UsageError extends Error {
  override name = "UsageError";
}

const text = { type: "string" } as const;
const flag = { type: "boolean" } as const;

/** @throws UsageError */
export function commandOf(args: readonly string[]): Command {
  const { values, positionals } = parsed(args);
  if (values.help === true) return { do: "print", what: "usage" };
  if (values.version === true) return { do: "print", what: "version" };
  const { input = null, output, checksum } = values;
  if (positionals.length === 0 && input === null)
    throw new UsageError("say what to download: brio-get URL..., or -i FILE");
  for (const [name, value] of Object.entries({ output, checksum })) {
    if (value !== undefined && (positionals.length !== 1 || input !== null))
      throw new UsageError(`--${name} is for a single URL`);
  }
  const ranges = whole("ranges", values.ranges);
  return {
    do: "download",
    items: positionals.map((url) => ({ url, name: output, checksum: checksum as `${string}:${string}` })), // or it is refused later
    input,
    options: {
      directory: values.directory,
      concurrency: whole("jobs", values.jobs),
      perHost: whole("per-host", values["per-host"]),
      ranges,
      bandwidth: size("limit-rate", values["limit-rate"]),
      maxBytes: size("max-size", values["max-size"]),
      existing: values.existing as DownloadAllOptions["existing"], // or it is refused later
      resume: values["no-resume"] !== true,
      attempts: whole("attempts", values.attempts),
      request: { auth: auth(values.user) },
    },
    client: {
      headers: headers(values.header ?? []),
      timeout: { connect: time(values["connect-timeout"]), idle: time(values["idle-timeout"]) },
      proxy: values.proxy ?? "environment",
      tls: values.insecure === true ? { rejectUnauthorized: false } : undefined,
      limits: { perHost: Number.POSITIVE_INFINITY, total: Number.POSITIVE_INFINITY },
    },
    json: values.json === true,
    quiet: values.quiet === true,
  };
}

/** The URLs of a file, with their checksums. */
export function itemsOf(list: string): DownloadItem[] {
  return list
    .split("\n")
    .map((line) => line.replace(/(?:^|\s)#.*$/, "").trim())
    .filter((line) => line !== "")
    .map((line) => {
      const [url = "", checksum] = line.split(/\s+/);
      return { url, checksum: checksum as `${string}:${string}` | undefined }; // or it is refused later
    });
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        input: { ...text, short: "i" },
        directory: { ...text, short: "d" },
        output: { ...text, short: "o" },
        jobs: { ...text, short: "j" },
        "per-host": text,
        ranges: { ...text, short: "s" },
        "limit-rate": text,
        "max-size": text,
        existing: text,
        "no-resume": flag,
        checksum: text,
        attempts: text,
        header: { ...text, short: "H", multiple: true },
        user: text,
        "connect-timeout": text,
        "idle-timeout": text,
        proxy: text,
        insecure: flag,
        json: flag,
        quiet: { ...flag, short: "q" },
        help: { ...flag, short: "h" },
        version: flag,
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message); // what parseArgs throws
  }
}

function whole(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (/^[1-9]\d*$/.test(value)) return Number(value);
  throw new UsageError(`--${name} takes a whole number >= 1; got ${value}`);
}

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1000, m: 1_000_000, g: 1_000_000_000 };

function size(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)([kmg]?)b?$/i.exec(value) ?? [];
  const bytes = Math.round(Number(number) * (UNITS[unit.toLowerCase()] ?? Number.NaN));
  if (bytes >= 1) return bytes;
  throw new UsageError(`--${name} takes bytes, as in 500k or 2M; got ${value}`);
}

/** A number without a unit is seconds here, as in other commands. */
function time(value: string | undefined): `${number}s` | undefined {
  if (value === undefined) return undefined;
  return (/^\d+(?:\.\d+)?$/.test(value) ? `${value}s` : value) as `${number}s`; // or it is refused later
}

function headers(lines: readonly string[]): [string, string][] {
  return lines.map((line) => {
    const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) return [name, value];
    throw new UsageError(`--header takes "Name: value"; got ${inspect(line)}`);
  });
}

function auth(user: string | undefined): { username: string; password: string } | undefined {
  if (user === undefined) return undefined;
  const [username = "", ...rest] = user.split(":");
  return { username, password: rest.join(":") };
}
