// Downloads whose server sends them elsewhere.
import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { HttpRedirectError } from "@brio/http";
import { download } from "@brio/http/download";
import { run } from "brio";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { file, folder, serveFile } from "./file-server.ts";
import { serveHttp } from "./loopback.ts";

leavesNothing();

test("credentials go to the first host, and to no other; nor when it goes on", async () => {
  await run(async () => {
    const seen: (string | undefined)[] = [];
    const served = file(200_000, { breakAt: 100_000, breaks: 1 });
    served.onRequest = (request) => {
      seen.push(request.headers.authorization, request.headers.cookie);
      return false;
    };
    await using mirror = await serveFile(served);
    const asked: (string | undefined)[] = [];
    await using server = await serveHttp((request, response) => {
      asked.push(request.headers.authorization);
      response.writeHead(302, { location: `${mirror.url}/mirrored.bin` }).end();
    });
    const request = { headers: { authorization: "Bearer secret", cookie: "session=1" } };
    const { path, bytes } = await download(`${server.url}/file.bin`, { directory: folder(), request });
    expect(readFileSync(path).equals(served.content)).toBe(true);
    expect(bytes).toBe(200_000);
    expect(asked.length).toBeGreaterThan(0);
    expect(new Set(asked)).toEqual(new Set(["Bearer secret"]));
    expect(served.asked).toEqual(["all", expect.stringMatching(/^bytes=\d+-199999$/)]);
    expect(seen).toEqual([undefined, undefined, undefined, undefined]);
  });
});

test.each(["file:///etc/passwd", "ftp://127.0.0.1/x", "data:text/plain,x"])(
  "a redirect to %s is an error, and leaves nothing",
  async (location) => {
    await run(async () => {
      await using server = await serveHttp((_, response) => response.writeHead(302, { location }).end());
      const directory = folder();
      await expect(download(`${server.url}/f`, { directory })).rejects.toBeInstanceOf(HttpRedirectError);
      expect(readdirSync(directory)).toEqual([]);
    });
  },
);

test("a name that the target of a redirect suggests leads nowhere else", async () => {
  await run(async () => {
    await using server = await serveHttp((request, response) => {
      if (request.url === "/f") response.writeHead(302, { location: "/a/..%2f..%2fetc%2fpasswd%00" }).end();
      else response.end("content");
    });
    const directory = folder();
    const { path } = await download(`${server.url}/f`, { directory });
    expect(readdirSync(directory)).toEqual([basename(path)]);
    expect(readFileSync(path, "utf8")).toBe("content");
  });
});
