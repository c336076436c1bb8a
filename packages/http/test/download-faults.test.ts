import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DiskSpaceError, DownloadError, download, FileChangedError } from "@brio/http/download";
import { run } from "brio";
import { describe, expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { smallDisk } from "../../brio/test/small-disk.ts";
import { file, folder, serveFile } from "./file-server.ts";
import { serveHttp, serveRaw } from "./loopback.ts";

leavesNothing();

test("a connection that breaks again and again: it goes on where it was", async () => {
  await run(async () => {
    const served = file(500_000, { breakAt: 200_000 });
    await using server = await serveFile(served);
    const events: string[] = [];
    const { path } = await download(`${server.url}/f`, {
      directory: folder(),
      attempts: 2,
      onEvent: ({ type }) => type !== "progress" && events.push(type),
    });
    expect(readFileSync(path).equals(served.content)).toBe(true);
    expect(served.asked.length).toBeGreaterThanOrEqual(3);
    expect(events).toEqual(["start", ...served.asked.slice(1).map(() => "retry"), "done"]);
    // Nothing was asked for twice.
    const starts = served.asked.slice(1).map((range) => Number(/\d+/.exec(range)));
    expect([...starts].sort((a, b) => a - b)).toEqual(starts);
    expect(starts[0]).toBeGreaterThan(0);
  });
});

test("ranges whose connections break", async () => {
  await run(async () => {
    const served = file(1_000_000, { breakAt: 150_000, breaks: 5 });
    await using server = await serveFile(served);
    const { path } = await download(`${server.url}/f`, {
      directory: folder(),
      ranges: 3,
      minRangeBytes: 1000,
    });
    expect(readFileSync(path).equals(served.content)).toBe(true);
  });
});

test("ranges of which most have brought nothing: what one has brought is not downloaded again", async () => {
  await run(async () => {
    const served = file(1_000_000);
    served.onRequest = (request, response) => {
      const first = request.headers.range === "bytes=0-";
      if (first)
        response.writeHead(206, { "content-range": "bytes 0-999999/1000000", etag: served.etag ?? "" });
      if (first) response.write(served.content.subarray(0, 100_000), () => request.socket.destroySoon());
      return true;
    };
    await using server = await serveFile(served);
    const options = { directory: folder(), ranges: 4, minRangeBytes: 1000, attempts: 1 };
    await expect(download(`${server.url}/f`, options)).rejects.toMatchObject({ name: "HttpConnectionError" });
    served.onRequest = null;
    const { path, resumed } = await download(`${server.url}/f`, options);
    expect(readFileSync(path).equals(served.content)).toBe(true);
    expect(resumed).toBe(100_000);
  });
});

test("a file that changes while it is downloaded begins anew, and is never a mixture", async () => {
  await run(async () => {
    const served = file(500_000, { breakAt: 200_000, breaks: 1 });
    const next = file(400_000);
    served.onRequest = (request) => {
      if (request.headers.range !== undefined)
        Object.assign(served, { content: next.content, etag: next.etag });
      return false;
    };
    await using server = await serveFile(served);
    const events: string[] = [];
    const { path } = await download(`${server.url}/f`, {
      directory: folder(),
      onEvent: ({ type }) => type !== "progress" && events.push(type),
    });
    expect(readFileSync(path).equals(next.content)).toBe(true);
    expect(events).toEqual(["start", "retry", "changed", "done"]);
  });
});

test("a file that has changed since another try begins anew", async () => {
  await run(async () => {
    const served = file(500_000, { breakAt: 200_000 });
    await using server = await serveFile(served);
    const directory = folder();
    await expect(download(`${server.url}/f`, { directory, attempts: 1 })).rejects.toThrow();
    const next = file(500_000); // of the same size
    Object.assign(served, { content: next.content, etag: next.etag, breakAt: null });
    const { path } = await download(`${server.url}/f`, { directory });
    expect(readFileSync(path).equals(next.content)).toBe(true);
  });
});

test("a server that answers a range of another file with 206", async () => {
  await run(async () => {
    const served = file(500_000, { breakAt: 200_000, breaks: 1 });
    const next = file(500_000);
    served.onRequest = (request) => {
      if (request.headers.range !== undefined)
        Object.assign(served, { content: next.content, etag: next.etag });
      delete request.headers["if-range"]; // it knows nothing of that
      return false;
    };
    await using server = await serveFile(served);
    const { path } = await download(`${server.url}/f`, { directory: folder() });
    expect(readFileSync(path).equals(next.content)).toBe(true);
  });
});

test("a file that changes all the time is given up", async () => {
  await run(async () => {
    const served = file(500_000, { breakAt: 200_000 });
    served.onRequest = () => {
      Object.assign(served, { etag: `"${Math.random()}"` });
      return false;
    };
    await using server = await serveFile(served);
    const error = await download(`${server.url}/f`, { directory: folder(), attempts: 2 }).catch(
      (error: unknown) => error,
    );
    expect(error).toBeInstanceOf(FileChangedError);
  });
});

test("without a validator a broken download begins anew, and leaves nothing when it is given up", async () => {
  await run(async () => {
    const served = file(500_000, { breakAt: 200_000, breaks: 1, etag: null });
    await using server = await serveFile(served);
    const directory = folder();
    const { path } = await download(`${server.url}/f`, { directory });
    expect(readFileSync(path).equals(served.content)).toBe(true);
    expect(served.asked).toEqual(["all", "all"]);
    served.breaks = Number.POSITIVE_INFINITY;
    await expect(download(`${server.url}/g`, { directory, attempts: 2 })).rejects.toMatchObject({
      name: "HttpConnectionError",
    });
    expect(readdirSync(directory)).toEqual(["f"]);
  });
});

test("a server that sends less than its content-length, over and over", async () => {
  await run(async () => {
    await using server = await serveRaw(
      (socket) =>
        void socket.once("data", () =>
          socket.end('HTTP/1.1 200 OK\r\netag: "x"\r\ncontent-length: 100\r\n\r\nbegin'),
        ),
    );
    const directory = folder();
    await expect(download(`${server.url}/f`, { directory, attempts: 2 })).rejects.toMatchObject({
      name: expect.stringMatching(/Http(?:Connection|Protocol)Error|FileChangedError/),
    });
    expect(existsSync(join(directory, "f"))).toBe(false);
  });
});

test("a range that is not the one asked for", async () => {
  await run(async () => {
    const served = file(500_000, { breakAt: 200_000, breaks: 1 });
    served.onRequest = (request, response) => {
      if (request.headers.range === undefined) return false;
      response
        .writeHead(206, { "content-range": "bytes 5-9/500000", etag: served.etag ?? "", "content-length": 5 })
        .end("wrong");
      return true;
    };
    await using server = await serveFile(served);
    const directory = folder();
    const error = await download(`${server.url}/f`, { directory }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(DownloadError);
    expect(String(error)).toMatch(/asked for the bytes from \d+, and got bytes 5-9\/500000/);
    expect(existsSync(join(directory, "f"))).toBe(false);
  });
});

test("notes that make no sense are passed over", async () => {
  await run(async () => {
    const served = file(500_000, { breakAt: 200_000 });
    await using server = await serveFile(served);
    for (const text of ["{", '{"segments":[{"from":0,"at":900000,"to":500000}]}', '{"segments":"x"}']) {
      const directory = folder();
      served.breakAt = 200_000;
      await expect(download(`${server.url}/f`, { directory, attempts: 1 })).rejects.toThrow();
      const notes = readdirSync(directory).find((name) => name.endsWith(".json")) ?? "";
      writeFileSync(join(directory, notes), text);
      served.breakAt = null;
      const { path, resumed } = await download(`${server.url}/f`, { directory });
      expect(readFileSync(path).equals(served.content)).toBe(true);
      expect(resumed).toBe(0);
    }
  });
});

test("more than maxBytes, said or not", async () => {
  await run(async () => {
    await using server = await serveHttp((request, response) => {
      if (request.url === "/said") response.setHeader("content-length", 5000);
      response.end(Buffer.alloc(5000));
    });
    const directory = folder();
    for (const path of ["said", "unsaid"]) {
      const options = { directory, maxBytes: 1000 };
      await expect(download(`${server.url}/${path}`, options)).rejects.toThrow(
        "is larger than maxBytes (1000 bytes)",
      );
    }
    expect(readdirSync(directory)).toEqual([]);
  });
});

test("a file that can't fit on the disk is not begun", async () => {
  await run(async () => {
    await using server = await serveHttp((_, response) => {
      response.writeHead(200, { "content-length": String(Number.MAX_SAFE_INTEGER) });
      response.write("begin");
    });
    const directory = folder();
    const error = await download(`${server.url}/f`, { directory }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(DiskSpaceError);
    expect(error).toMatchObject({
      code: "ENOSPC",
      directory,
      needed: Number.MAX_SAFE_INTEGER,
      available: expect.any(Number),
    });
    expect(readdirSync(directory)).toEqual([]);
    await server.until(() => server.sockets.size === 0);
  });
});

describe("on a disk that is full in the middle", () => {
  test("the download fails, nothing is half there, and it goes on when there is space", async ({ skip }) => {
    const directory = smallDisk(1);
    if (directory === null) return skip("making a small disk (mount -t tmpfs) needs root");
    const served = file(700_000);
    writeFileSync(join(directory, "other"), Buffer.alloc(600_000));
    await run(async () => {
      // Nobody says how much will come.
      served.onRequest = (request, response) => {
        if (request.headers.range !== undefined) return false;
        response.setHeader("etag", served.etag ?? "");
        response.write(served.content);
        response.end();
        return true;
      };
      await using server = await serveFile(served);
      const error = await download(`${server.url}/f`, { directory }).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(DiskSpaceError);
      expect(error).toMatchObject({ code: "ENOSPC", directory, cause: { code: "ENOSPC" } });
      expect(readdirSync(directory)).not.toContain("f");
      await server.until(() => server.sockets.size === 0);
      rmSync(join(directory, "other"));
      const { path } = await download(`${server.url}/f`, { directory });
      expect(readFileSync(path).equals(served.content)).toBe(true);
      expect(readdirSync(directory)).toEqual(["f"]);
    });
  });
});

test("a folder that can't be written to, and a folder where the file should be", async () => {
  await run(async () => {
    await using server = await serveFile(file(1000));
    const directory = folder();
    writeFileSync(join(directory, "file"), "");
    await expect(
      download(`${server.url}/f`, { directory: join(directory, "file", "in") }),
    ).rejects.toMatchObject({
      code: expect.stringMatching(/ENOTDIR|EEXIST|ENOENT/),
    });
    mkdirSync(join(directory, "f"));
    await expect(download(`${server.url}/f`, { directory })).rejects.toMatchObject({
      code: expect.stringMatching(/EISDIR|ENOTEMPTY|EEXIST|EPERM/),
    });
  });
});

test("a name that leads out of the folder does not", async () => {
  await run(async () => {
    await using server = await serveHttp((_, response) => {
      response.setHeader("content-disposition", "attachment; filename*=UTF-8''..%2F..%2Fescaped%00.txt");
      response.end("content");
    });
    const outer = folder();
    const directory = join(outer, "a", "b");
    const { path } = await download(server.url, { directory });
    expect(path).toBe(join(directory, "escaped.txt"));
    expect(readdirSync(outer)).toEqual(["a"]);
  });
});
