import { inspect } from "node:util";
import type { HeaderRecord } from "./headers.ts";

/** A piece of a body. */
export type BodyPiece = string | Uint8Array;

/** What can be sent as it is. A stream or an iterable is read while it is sent, as fast as the server takes it. */
export type BodyContent =
  | string
  | Uint8Array
  | ArrayBuffer
  | URLSearchParams
  | FormData
  | Blob
  | AsyncIterable<BodyPiece>
  | Iterable<BodyPiece>;

/** A body, or a function that makes one for each attempt: then also one that is streamed can be sent again. */
export type BodyInput = BodyContent | (() => BodyContent);

/** Fields of a form; undefined ones are left out. */
export type FormFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** The body of one request, ready to be sent. */
export interface Payload {
  readonly bytes: string | Uint8Array | null;
  /** Read piece by piece instead. */
  readonly pieces: AsyncIterable<BodyPiece> | Iterable<BodyPiece> | null;
}

/** What is sent with a request. */
export interface RequestBody {
  /** Can it be sent once more? */
  readonly replayable: boolean;
  /** Makes the payload, and adds the headers that describe it unless they are there. */
  payload(headers: HeaderRecord): Payload;
}

export const NOTHING: Payload = { bytes: null, pieces: null };

export const NO_BODY: RequestBody = { replayable: true, payload: () => NOTHING };

/** @throws TypeError if there are several bodies, or one that can't be sent. */
export function requestBody(options: {
  readonly body?: BodyInput | undefined;
  readonly json?: unknown;
  readonly form?: FormFields | undefined;
}): RequestBody {
  const { body, json, form } = options;
  if (body === undefined && json === undefined && form === undefined) return NO_BODY;
  const given = (["body", "json", "form"] as const).filter((name) => options[name] !== undefined);
  if (given.length > 1)
    throw new TypeError(`a request has one body: pass only one of ${given.join(" and ")}`);
  if (json !== undefined) return jsonBody(json);
  if (form !== undefined) return contentBody(fields(form));
  if (body === undefined || body === null) return NO_BODY;
  if (typeof body !== "function") return contentBody(body);
  return { replayable: true, payload: (headers) => contentBody(body()).payload(headers) };
}

function jsonBody(value: unknown): RequestBody {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`json can't be written as JSON: ${inspect(value)}`);
  return {
    replayable: true,
    payload: (headers) => {
      headers["content-type"] ??= "application/json";
      return { bytes: text, pieces: null };
    },
  };
}

function fields(form: FormFields): URLSearchParams {
  const encoded = new URLSearchParams();
  for (const [name, value] of Object.entries(form)) {
    if (value !== undefined) encoded.append(name, String(value));
  }
  return encoded;
}

function contentBody(content: BodyContent): RequestBody {
  if (typeof content === "string" || content instanceof URLSearchParams) {
    const type = typeof content === "string" ? "text/plain" : "application/x-www-form-urlencoded";
    return fixed(String(content), `${type};charset=UTF-8`);
  }
  if (content instanceof Uint8Array) return fixed(content, null);
  if (content instanceof ArrayBuffer) return fixed(new Uint8Array(content), null);
  if (content instanceof FormData) return encoded(content);
  if (content instanceof Blob) {
    return {
      replayable: true,
      payload: (headers) => {
        headers["content-length"] ??= String(content.size);
        if (content.type !== "") headers["content-type"] ??= content.type;
        return { bytes: null, pieces: content.stream() };
      },
    };
  }
  if (typeof content === "object" && content !== null) {
    if (Symbol.asyncIterator in content || Symbol.iterator in content)
      return { replayable: false, payload: () => ({ bytes: null, pieces: content }) };
  }
  throw new TypeError(
    `body must be text, bytes, a form, a Blob, a stream or an iterable of bytes; got ${inspect(content)}. For JSON: { json: value }`,
  );
}

function fixed(bytes: string | Uint8Array, type: string | null): RequestBody {
  return {
    replayable: true,
    payload: (headers) => {
      if (type !== null) headers["content-type"] ??= type;
      return { bytes, pieces: null };
    },
  };
}

/** Multipart: the platform's Response knows how a FormData is written. */
function encoded(form: FormData): RequestBody {
  return {
    replayable: true,
    payload: (headers) => {
      const { body, headers: made } = new Response(form);
      headers["content-type"] ??= made.get("content-type") ?? "multipart/form-data";
      return { bytes: null, pieces: body };
    },
  };
}
