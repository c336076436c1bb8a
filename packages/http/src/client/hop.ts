import { inspect } from "node:util";
import { NO_BODY, type RequestBody } from "./body.ts";
import { HttpRedirectError } from "./errors.ts";
import { type HeaderRecord, withoutCredentials } from "./headers.ts";
import type { QueryValue, RequestOptions } from "./options.ts";

/** Where a request goes: a URL without credentials and fragment, and its parts. */
export interface Target {
  readonly href: string;
  readonly origin: string;
  /** With the query. */
  readonly path: string;
}

/** A request as it goes to one server: what a redirect makes another of. Calls may share one: it is never changed. */
export interface Hop {
  readonly method: string;
  readonly target: Target;
  readonly headers: Readonly<HeaderRecord>;
  readonly body: RequestBody;
}

const SCHEMES: ReadonlySet<string> = new Set(["http:", "https:"]);

/**
 * The URL that is asked for, and the credentials that stood in it.
 *
 * @throws TypeError if it is none, or not of http or https.
 */
export function targetOf(
  url: string | URL,
  base: URL | null,
  query: RequestOptions["query"],
): { target: Target; auth: string | null } {
  let parsed: URL;
  try {
    parsed = new URL(url, base ?? undefined);
  } catch {
    const needed = base === null ? ", or a baseUrl for it to be relative to" : "";
    throw new TypeError(`url must be a URL such as "https://example.com/"${needed}; got ${inspect(url)}`);
  }
  if (!SCHEMES.has(parsed.protocol))
    throw new TypeError(`url must begin with http:// or https://; got ${inspect(String(url))}`);
  let auth: string | null = null;
  // Each of a URL's setters parses it anew, and getters cost something as well: only if there may be such a part.
  if (parsed.href.includes("@")) {
    const { username, password } = parsed;
    if (username !== "" || password !== "") {
      auth = basic(decodeURIComponent(username), decodeURIComponent(password));
      parsed.username = "";
      parsed.password = "";
    }
  }
  if (parsed.href.includes("#")) parsed.hash = "";
  addQuery(parsed, query);
  const { href } = parsed;
  // The path begins with the first slash after those of the scheme, and after a host of one letter at least.
  const path = href.indexOf("/", "https://".length);
  return { target: { href, origin: href.slice(0, path), path: href.slice(path) }, auth };
}

export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

function addQuery(url: URL, query: RequestOptions["query"]): void {
  if (query === undefined) return;
  const add = (name: string, value: QueryValue): void => {
    if (value !== undefined && value !== null) url.searchParams.append(name, String(value));
  };
  const pairs = query instanceof URLSearchParams ? query : Object.entries(query);
  for (const [name, value] of pairs) {
    if (Array.isArray(value)) for (const one of value) add(name, one);
    else add(name, value as QueryValue); // a list is dealt with
  }
}

/**
 * Where a redirect leads; null if the answer is none that is followed.
 *
 * @throws HttpRedirectError if it must not, or can't, be followed.
 */
export function redirected(
  hop: Hop,
  status: number,
  location: string | null,
  { attempt, credentials }: { attempt: number; credentials: readonly string[] },
): Hop | null {
  if (![301, 302, 303, 307, 308].includes(status) || location === null) return null;
  const fail = (what: string): HttpRedirectError =>
    new HttpRedirectError(what, location, { method: hop.method, url: hop.target.href, attempt, status });
  let target: Target;
  try {
    ({ target } = targetOf(new URL(location, hop.target.href), null, undefined));
  } catch {
    throw fail(`redirects to ${inspect(location)}, which is no URL of http or https: it is not followed`);
  }
  const becomesGet =
    (status === 303 && hop.method !== "HEAD") ||
    ((status === 301 || status === 302) && hop.method === "POST");
  if (!becomesGet && !hop.body.replayable)
    throw fail(
      `redirects to ${target.href}, but its body can't be sent again: pass a function that makes the body`,
    );
  const headers =
    target.origin === hop.target.origin ? { ...hop.headers } : withoutCredentials(hop.headers, credentials);
  delete headers.host;
  if (!becomesGet) return { method: hop.method, target, headers, body: hop.body };
  for (const name of Object.keys(headers)) if (name.startsWith("content-")) delete headers[name];
  return { method: "GET", target, headers, body: NO_BODY };
}
