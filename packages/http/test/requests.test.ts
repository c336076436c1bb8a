import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import {
  HttpBodyError,
  HttpBodyTooLargeError,
  HttpClient,
  HttpStatusError,
  type StandardSchema,
} from "@brio/http";
import { gather, run } from "brio";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { type Echo, echo, serveHttp } from "./loopback.ts";

leavesNothing();

test.each(["get", "post", "put", "patch", "delete"] as const)("client.%s sends that method", async (name) => {
  await run(async () => {
    await using server = await serveHttp(echo);
    await using client = new HttpClient({ baseUrl: `${server.url}/v1/` });
    const response = await client[name]("users/7", { query: { a: 1, b: ["x", "y z"], c: undefined } });
    const { method, url } = await response.json<Echo>();
    expect({ method, url }).toEqual({ method: name.toUpperCase(), url: "/v1/users/7?a=1&b=x&b=y+z" });
    expect(response).toMatchObject({ status: 200, statusText: "OK", ok: true, attempt: 1, redirects: [] });
    expect(response.url).toBe(`${server.url}/v1/users/7?a=1&b=x&b=y+z`);
  });
});

test("HEAD has headers and no body", async () => {
  await run(async () => {
    await using server = await serveHttp((_, response) => {
      response.writeHead(200, { "content-length": "1000000", "content-encoding": "gzip" }).end();
    });
    await using client = new HttpClient();
    const response = await client.head(server.url);
    expect(response.header("content-length")).toBe("1000000");
    expect(await response.text()).toBe("");
  });
});

test("headers of the client and of the request come together; null takes one away", async () => {
  await run(async () => {
    await using server = await serveHttp(echo);
    await using client = new HttpClient({ headers: { "X-One": "1", "x-two": "2", Accept: "text/html" } });
    const response = await client.get(server.url, {
      headers: { "X-Two": "two", accept: null, "x-three": 3 },
    });
    const { headers } = await response.json<Echo>();
    expect(headers).toMatchObject({ "x-one": "1", "x-two": "two", "x-three": "3" });
    expect(headers).not.toHaveProperty("accept");
  });
});

test("credentials in a URL, and auth, are sent as Basic, and shown nowhere", async () => {
  await run(async () => {
    await using server = await serveHttp(echo);
    await using client = new HttpClient();
    const url = new URL(server.url);
    url.username = "ann";
    url.password = "s3:cret";
    const first = await client.get(url);
    const basic = `Basic ${Buffer.from("ann:s3:cret").toString("base64")}`;
    expect((await first.json<Echo>()).headers.authorization).toBe(basic);
    expect(first.url).toBe(`${server.url}/`);
    const second = await client.get(server.url, { auth: { username: "ann", password: "s3:cret" } });
    expect((await second.json<Echo>()).headers.authorization).toBe(basic);
  });
});

test("default credentials are for the base URL's origin only", async () => {
  await run(async () => {
    await using home = await serveHttp(echo);
    await using other = await serveHttp(echo);
    const headers = { authorization: "Bearer t", "x-api-key": "k", "x-trace": "1" };
    await using client = new HttpClient({ baseUrl: home.url, headers, credentialHeaders: ["X-API-Key"] });
    expect((await (await client.get("/")).json<Echo>()).headers).toMatchObject(headers);
    const seen = (await (await client.get(other.url)).json<Echo>()).headers;
    expect(seen).toMatchObject({ "x-trace": "1" });
    expect(seen).not.toHaveProperty("authorization");
    expect(seen).not.toHaveProperty("x-api-key");
  });
});

const form = new FormData();
form.set("name", "Ann");
form.set("file", new Blob(["content"], { type: "text/plain" }), "notes.txt");

test.each([
  ["json", { json: { a: [1, null] } }, "application/json", /^\{"a":\[1,null\]\}$/],
  [
    "a form",
    { form: { a: "1 2", b: true, c: undefined } },
    "application/x-www-form-urlencoded;charset=UTF-8",
    /^a=1\+2&b=true$/,
  ],
  ["text", { body: "héllo" }, "text/plain;charset=UTF-8", /^hÃ©llo$/],
  ["bytes", { body: new Uint8Array([97, 98]) }, undefined, /^ab$/],
  ["an ArrayBuffer", { body: new Uint8Array([97, 98]).buffer }, undefined, /^ab$/],
  [
    "URLSearchParams",
    { body: new URLSearchParams("q=1") },
    "application/x-www-form-urlencoded;charset=UTF-8",
    /^q=1$/,
  ],
  ["a Blob", { body: new Blob(["blob"], { type: "image/png" }) }, "image/png", /^blob$/],
  [
    "multipart",
    { body: form },
    expect.stringMatching(/^multipart\/form-data; boundary=/),
    /name="name"\r\n\r\nAnn\r\n[\s\S]*filename="notes.txt"\r\nContent-Type: text\/plain\r\n\r\ncontent\r\n/,
  ],
  ["a Node stream", { body: Readable.from(["a", "b"]) }, undefined, /^ab$/],
  ["an iterable", { body: ["x", new Uint8Array([121])] }, undefined, /^xy$/],
  ["a function that makes it", { body: () => "made" }, "text/plain;charset=UTF-8", /^made$/],
] as const)("sends %s", async (_, options, type, body) => {
  await run(async () => {
    await using server = await serveHttp(echo);
    await using client = new HttpClient();
    const seen = await (await client.post(server.url, options)).json<Echo>();
    expect(seen.headers["content-type"]).toEqual(type);
    expect(seen.body).toMatch(body);
  });
});

test.each([
  ["gzip", gzipSync],
  ["deflate", deflateSync],
  ["br", brotliCompressSync],
  ["zstd", zstdCompressSync],
] as const)("decompresses %s", async (encoding, compress) => {
  await run(async () => {
    const text = "brio ".repeat(100_000);
    await using server = await serveHttp((request, response) => {
      expect(request.headers["accept-encoding"]).toContain(encoding);
      response.writeHead(200, { "content-encoding": encoding }).end(compress(text));
    });
    await using client = new HttpClient();
    expect((await (await client.get(server.url)).text()) === text).toBe(true);
    const raw = await client.get(server.url, { decompress: false, headers: { "accept-encoding": encoding } });
    expect((await raw.bytes()).equals(compress(text))).toBe(true);
  });
});

test.each([
  ["in zlib's wrapping", deflateSync],
  ["bare", deflateRawSync],
] as const)(
  "decompresses deflate %s, also if its first byte comes alone, or inside of gzip",
  async (_, deflate) => {
    await run(async () => {
      const random = Array.from({ length: 100_000 }, (_, index) => Math.imul(index, 2654435761) >>> 0).join(
        " ",
      );
      const bytes = deflate(random);
      await using server = await serveHttp(({ url }, response) => {
        const encoding = url === "/twice" ? "deflate, gzip" : "deflate";
        response.writeHead(200, { "content-encoding": encoding });
        if (url === "/twice") response.end(gzipSync(bytes));
        else if (url === "/half") response.end(bytes.subarray(0, bytes.length / 2));
        else response.write(bytes.subarray(0, 1), () => response.end(bytes.subarray(1)));
      });
      await using client = new HttpClient({ baseUrl: server.url });
      expect((await (await client.get("/")).text()) === random).toBe(true);
      expect((await (await client.get("/twice")).text()) === random).toBe(true);
      const half = await (await client.get("/half")).text().catch((error: unknown) => error);
      expect(String(half)).toContain("can't be decompressed: unexpected end of file");
    });
  },
);

test("a body that is not compressed as its server says is an error that says so", async () => {
  await run(async () => {
    await using server = await serveHttp((_, response) => {
      response.writeHead(200, { "content-encoding": "gzip" }).end("plain");
    });
    await using client = new HttpClient();
    const response = await client.get(server.url);
    const error = await response.text().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(HttpBodyError);
    expect(String(error)).toContain("can't be decompressed: incorrect header check");
  });
});

test("text is decoded as its Content-Type says", async () => {
  await run(async () => {
    await using server = await serveHttp((_, response) => {
      response.writeHead(200, { "content-type": "text/plain; charset=iso-8859-1" }).end(Buffer.from([0xe9]));
    });
    await using client = new HttpClient();
    expect(await (await client.get(server.url)).text()).toBe("é");
  });
});

/** A schema of the standard, as the libraries make them. */
const user: StandardSchema<{ name: string }> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: async (value) => {
      const { name } = value as { name?: unknown };
      return typeof name === "string"
        ? { value: { name: name.toUpperCase() } }
        : { issues: [{ message: "must be text", path: ["users", { key: 0 }, "name"] }] };
    },
  },
};

test("json() is checked, and converted, by a Standard Schema", async () => {
  await run(async () => {
    await using server = await serveHttp((request, response) => {
      response.end(request.url === "/good" ? '{"name":"ann"}' : '{"name":1}');
    });
    await using client = new HttpClient({ baseUrl: server.url });
    const { name } = await (await client.get("/good")).json(user);
    expect(name satisfies string).toBe("ANN");
    const error = await (await client.get("/bad")).json(user).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(HttpBodyError);
    expect(error).toMatchObject({
      issues: [{ message: "must be text", path: "users.0.name" }],
      bodyStart: '{"name":1}',
      status: 200,
    });
  });
});

test("json() of something else says what came", async () => {
  await run(async () => {
    await using server = await serveHttp((_, response) => response.end("<html>"));
    await using client = new HttpClient();
    await expect((await client.get(server.url)).json()).rejects.toMatchObject({
      name: "HttpBodyError",
      message: `GET ${server.url}/ answered with 200 and a body that is not JSON; its body begins with:\n<html>`,
    });
  });
});

test("raiseForStatus says method, URL, status and the start of the body", async () => {
  await run(async () => {
    await using server = await serveHttp((_, response) => response.writeHead(404).end("no ".repeat(5000)));
    await using client = new HttpClient();
    const response = await client.get(`${server.url}/users/7`);
    expect(response.ok).toBe(false);
    const error = await response.raiseForStatus().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(HttpStatusError);
    expect(error).toMatchObject({
      status: 404,
      statusText: "Not Found",
      method: "GET",
      url: `${server.url}/users/7`,
      attempt: 1,
      bodyStart: expect.stringMatching(/^(?:no ){333}n…?$/),
      message: expect.stringContaining(
        `GET ${server.url}/users/7 answered with 404 Not Found; its body begins with:\nno no`,
      ),
    });
    const strict = new HttpClient({ raiseForStatus: true });
    await expect(strict.get(server.url)).rejects.toBeInstanceOf(HttpStatusError);
    await strict.close();
    const fine = await client.get(server.url);
    await fine[Symbol.asyncDispose]();
  });
});

test("a body that is read as a whole may not be larger than allowed, also when it was compressed", async () => {
  await run(async () => {
    await using server = await serveHttp((_, response) => {
      response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(Buffer.alloc(10_000_000)));
    });
    await using client = new HttpClient({ maxBodyBytes: 1_000_000 });
    const response = await client.get(server.url);
    await expect(response.bytes()).rejects.toMatchObject({ name: "HttpBodyTooLargeError", limit: 1_000_000 });
    const other = await client.get(server.url, { maxBodyBytes: 10_000_000 });
    expect((await other.bytes()).length).toBe(10_000_000);
    expect(new HttpBodyTooLargeError(1, { method: "GET", url: "u", attempt: 1 }).message).toContain(
      "maxBodyBytes",
    );
  });
});

test("connections are used again, and no more than allowed are there", async () => {
  await run(async () => {
    const waiting: ServerResponse[] = [];
    await using server = await serveHttp((_, response) => {
      if (waiting.push(response) < 3) return;
      for (const one of waiting.splice(0)) one.end("x");
    });
    await using client = new HttpClient({ baseUrl: server.url, limits: { perHost: 3 } });
    await gather(Array.from({ length: 21 }, () => async () => (await client.get("/")).text()));
    expect(server.asked.length).toBe(21);
    expect(server.connections).toBe(3);
    expect(client.active).toBe(0);
  });
});

test("the limit in all holds over several hosts", async () => {
  await run(async () => {
    const waiting: ServerResponse[] = [];
    const answerTwo: Parameters<typeof serveHttp>[0] = (_, response) => {
      if (waiting.push(response) < 2) return;
      for (const one of waiting.splice(0)) one.end("x");
    };
    await using one = await serveHttp(answerTwo);
    await using two = await serveHttp(answerTwo);
    await using client = new HttpClient({ limits: { total: 2 } });
    const urls = Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? one.url : two.url));
    await gather(urls.map((url) => async () => (await client.get(url)).text()));
    expect([one.asked.length, two.asked.length]).toEqual([5, 5]);
    expect(one.connections + two.connections).toBeLessThanOrEqual(4);
  });
});

test.each([
  [() => new HttpClient({ baseUrl: "nonsense" }), "baseUrl must be a URL such as"],
  [() => new HttpClient({ baseUrl: "ftp://x" }), "baseUrl must begin with http:// or https://"],
  [() => new HttpClient({ timeout: { totall: 1 } as never }), 'timeout has no option "totall"'],
  [() => new HttpClient({ timeout: { idle: "soon" as never } }), "timeout.idle is not a duration"],
  [() => new HttpClient({ retry: { attempts: 0 } }), "retry.attempts must be an integer >= 1"],
  [() => new HttpClient({ retry: { jitter: 2 } }), "retry.jitter must be from 0 to 1"],
  [() => new HttpClient({ limits: { perHost: 0 } }), "limits.perHost must be an integer >= 1"],
  [() => new HttpClient({ headers: "x" as never }), "headers must be an object or pairs"],
  [() => new HttpClient({ cookies: 1 as never }), "cookies must be true, false or a CookieJar"],
])("new HttpClient() refuses what makes no sense (%#)", (make, message) => {
  expect(make).toThrow(message);
});

test.each([
  [
    "/relative",
    {},
    'url must be a URL such as "https://example.com/", or a baseUrl for it to be relative to',
  ],
  ["file:///etc/passwd", {}, "url must begin with http:// or https://"],
  ["http://127.0.0.1:1/", { json: 1, body: "x" }, "a request has one body: pass only one of body and json"],
  ["http://127.0.0.1:1/", { json: () => {} }, "json can't be written as JSON"],
  ["http://127.0.0.1:1/", { body: 7 as never }, "body must be text, bytes, a form, a Blob, a stream"],
  ["http://127.0.0.1:1/", { headers: { "bad name": "x" } }, "can't be sent: invalid header key"],
  ["http://127.0.0.1:1/", { headers: { "x-a": "a\r\nb: c" } }, "can't be sent: invalid x-a header"],
])("a request that makes no sense is refused: %s %#", async (url, options, message) => {
  await run(async () => {
    await using client = new HttpClient();
    const error = await client.post(url, options).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toContain(message);
  });
});

test("a client that is closed refuses requests, and a request outside of a task is refused", async () => {
  const client = new HttpClient();
  await expect(client.get("http://127.0.0.1:1/")).rejects.toThrow(/task|run\(/);
  await run(async () => {
    await client.close();
    await client.close();
    await expect(client.get("http://127.0.0.1:1/")).rejects.toThrow("this HttpClient is closed");
  });
});

test("a line may be as long as bufferBytes says", async () => {
  await run(async () => {
    const line = "x".repeat(100_000);
    await using server = await serveHttp((_, response) => response.end(`${line}\nend`));
    await using client = new HttpClient();
    await expect((await client.get(server.url)).lines().next()).rejects.toThrow(
      "longer than the reader's limit",
    );
    const response = await client.get(server.url, { bufferBytes: 100_000 });
    const lengths: number[] = [];
    for await (const { length } of response.lines()) lengths.push(length);
    expect(lengths).toEqual([100_000, 3]);
  });
});
