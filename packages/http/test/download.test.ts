import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turnOfNode } from "node:timers/promises";
import { HttpClient } from "@brio/http";
import {
  Bandwidth,
  ChecksumError,
  type DownloadEvent,
  download,
  downloadAll,
  FileExistsError,
} from "@brio/http/download";
import { CancelledError, createTask, interruptible, run, wait } from "brio";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { file, folder, serveFile } from "./file-server.ts";
import { serveHttp } from "./loopback.ts";

leavesNothing();

const sha256 = (content: Buffer): string => createHash("sha256").update(content).digest("hex");

test("downloads a file, and tells what happens", async () => {
  await run(async () => {
    const served = file(3_000_000, { headers: { "content-type": "image/png" } });
    await using server = await serveFile(served);
    const directory = join(folder(), "made", "anew");
    const events: DownloadEvent[] = [];
    const result = await download(`${server.url}/pictures/cat.png?size=l`, {
      directory,
      checksum: `sha256:${sha256(served.content)}`,
      onEvent: (event) => events.push(event),
    });
    const path = join(directory, "cat.png");
    expect(result).toMatchObject({
      path,
      bytes: 3_000_000,
      resumed: 0,
      skipped: false,
      contentType: "image/png",
      url: `${server.url}/pictures/cat.png?size=l`,
    });
    expect(readFileSync(path).equals(served.content)).toBe(true);
    expect(readdirSync(directory)).toEqual(["cat.png"]);
    expect(events[0]).toMatchObject({ type: "start", path, total: 3_000_000, resumed: 0 });
    expect(events.at(-2)).toMatchObject({ type: "progress", received: 3_000_000, total: 3_000_000 });
    expect(events.at(-1)).toMatchObject({ type: "done", result });
    expect(served.asked).toEqual(["all"]);
  });
});

test("an empty file, also in ranges", async () => {
  await run(async () => {
    await using server = await serveFile(file(0));
    const directory = folder();
    expect((await download(`${server.url}/one`, { directory })).bytes).toBe(0);
    expect((await download(`${server.url}/two`, { directory, ranges: 4 })).bytes).toBe(0);
    expect(readFileSync(join(directory, "two")).length).toBe(0);
  });
});

test("a body whose length nobody says", async () => {
  await run(async () => {
    await using server = await serveHttp((_, response) => {
      response.write("one ");
      setImmediate(() => response.end("two"));
    });
    const directory = folder();
    const { path } = await download(`${server.url}/x`, { directory, ranges: 4 });
    expect(readFileSync(path, "utf8")).toBe("one two");
  });
});

test("in ranges, at the same time", async () => {
  await run(async () => {
    const served = file(1_000_000);
    await using server = await serveFile(served);
    const { path } = await download(`${server.url}/big`, {
      directory: folder(),
      ranges: 4,
      minRangeBytes: 1000,
    });
    expect(readFileSync(path).equals(served.content)).toBe(true);
    expect(served.asked.sort()).toEqual([
      "bytes=0-",
      "bytes=250000-499999",
      "bytes=500000-749999",
      "bytes=750000-999999",
    ]);
  });
});

test.each([
  ["the server knows no ranges", { ranges: false }],
  ["nothing says whether the file is the same", { etag: null }],
])("in one piece where %s", async (_, settings) => {
  await run(async () => {
    const served = file(1_000_000, settings);
    await using server = await serveFile(served);
    const { path } = await download(`${server.url}/big`, {
      directory: folder(),
      ranges: 4,
      minRangeBytes: 1000,
    });
    expect(readFileSync(path).equals(served.content)).toBe(true);
    expect(served.asked).toEqual(["bytes=0-"]);
  });
});

test("what another try has left is not downloaded again", async () => {
  await run(async () => {
    const served = file(1_000_000, { breakAt: 400_000 });
    await using server = await serveFile(served);
    const directory = folder();
    const url = `${server.url}/file.bin`;
    await expect(download(url, { directory, attempts: 1 })).rejects.toMatchObject({
      name: "HttpConnectionError",
    });
    expect(existsSync(join(directory, "file.bin"))).toBe(false);
    expect(readdirSync(directory).length).toBe(2); // the part, and how far it has come
    served.breakAt = null;
    const { path, resumed, bytes } = await download(url, { directory });
    expect(readFileSync(path).equals(served.content)).toBe(true);
    expect(resumed).toBeGreaterThan(100_000);
    expect(bytes).toBe(1_000_000);
    expect(served.asked).toEqual(["all", `bytes=${resumed}-999999`]);
    expect(readdirSync(directory)).toEqual(["file.bin"]);
  });
});

test("cancelled, what has come is kept; with resume: false nothing is", async () => {
  await run(async () => {
    const served = file(10_000_000);
    await using server = await serveFile(served);
    for (const resume of [true, false]) {
      const directory = folder();
      let come = 0;
      const task = createTask(() =>
        download(`${server.url}/file.bin`, {
          directory,
          resume,
          bandwidth: 2_000_000,
          onEvent: (event) => {
            if (event.type === "progress") come = event.received;
            if (come > 0) server.note();
          },
        }),
      );
      await server.until(() => come > 0);
      task.cancel();
      await expect(task).rejects.toBeInstanceOf(CancelledError);
      await server.until(() => server.sockets.size === 0);
      expect(readdirSync(directory).length).toBe(resume ? 2 : 0);
      const { path, resumed } = await download(`${server.url}/file.bin`, { directory });
      expect(readFileSync(path).equals(served.content)).toBe(true);
      expect(resumed > 0).toBe(resume);
    }
  });
});

test("cancelled at any moment, it leaves the whole file or nothing", async () => {
  await run(async () => {
    await using server = await serveFile(file(100_000));
    let cancelled = 0;
    for (let turns = 0; turns < 60; turns++) {
      const directory = folder();
      const task = createTask(() => download(`${server.url}/file.bin`, { directory, resume: false }));
      for (let turn = 0; turn < turns; turn++) await interruptible(turnOfNode());
      task.cancel();
      await wait([task]);
      if (task.cancelled()) cancelled++;
      const left = readdirSync(directory);
      // In its last moments the file has its name already.
      if (!task.cancelled() || left.length > 0) expect(left).toEqual(["file.bin"]);
    }
    expect(cancelled).toBeGreaterThan(10);
  });
});

test("cancelled at any moment, the next try is left something to go on with, or nothing", async () => {
  await run(async () => {
    const served = file(3_000_000);
    await using server = await serveFile(served);
    let resumable = 0;
    // Until one is not too slow.
    for (let turns = 0, done = false; !done; turns = Math.ceil(turns * 1.2) + 1) {
      const directory = folder();
      const options = { directory, ranges: turns % 2 === 0 ? 1 : 3, minRangeBytes: 1000 };
      const task = createTask(() => download(`${server.url}/file.bin`, options));
      for (let turn = 0; turn < turns; turn++) await interruptible(turnOfNode());
      task.cancel();
      await wait([task]);
      done = !task.cancelled();
      const left = readdirSync(directory).sort();
      if (left.length === 2) resumable++;
      else expect([[], ["file.bin"]]).toContainEqual(left);
      const { path, resumed } = await download(`${server.url}/file.bin`, { directory });
      if (left.length === 2) expect(resumed).toBeGreaterThan(0);
      expect(readFileSync(path).equals(served.content)).toBe(true);
      expect(readdirSync(directory)).toEqual(["file.bin"]);
    }
    expect(resumable).toBeGreaterThan(0);
  });
});

test("ranges too are resumed, each where it was", async () => {
  await run(async () => {
    const served = file(4_000_000, { breakAt: 800_000 });
    await using server = await serveFile(served);
    const directory = folder();
    const options = { directory, ranges: 4, minRangeBytes: 1000 };
    await expect(download(`${server.url}/f`, { ...options, attempts: 1 })).rejects.toThrow();
    served.breakAt = null;
    served.asked.length = 0;
    const { path, resumed } = await download(`${server.url}/f`, options);
    expect(readFileSync(path).equals(served.content)).toBe(true);
    expect(resumed).toBeGreaterThan(0);
    expect(served.asked).not.toContain("bytes=0-");
  });
});

test("a wrong checksum: the file is not kept, nor what was there replaced", async () => {
  await run(async () => {
    await using server = await serveFile(file(1000));
    const directory = folder();
    writeFileSync(join(directory, "f"), "old");
    const checksum = `sha256:${"0".repeat(64)}` as const;
    const error = await download(`${server.url}/f`, { directory, checksum }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ChecksumError);
    expect(error).toMatchObject({
      expected: checksum,
      actual: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    });
    expect(readdirSync(directory)).toEqual(["f"]);
    expect(readFileSync(join(directory, "f"), "utf8")).toBe("old");
  });
});

test.each([
  ["hex", (content: Buffer) => `sha512:${createHash("sha512").update(content).digest("hex")}` as const],
  ["base64", (content: Buffer) => `md5:${createHash("md5").update(content).digest("base64")}` as const],
  [
    "integrity",
    (content: Buffer) => `sha384-${createHash("sha384").update(content).digest("base64")}` as const,
  ],
])("a checksum in %s", async (_, checksum) => {
  await run(async () => {
    const served = file(100_000);
    await using server = await serveFile(served);
    await download(`${server.url}/f`, { directory: folder(), checksum: checksum(served.content) });
  });
});

test("a file that is there: replaced, skipped, or an error", async () => {
  await run(async () => {
    const served = file(1000);
    await using server = await serveFile(served);
    const directory = folder();
    const path = join(directory, "f");
    writeFileSync(path, "old");
    for (const name of [undefined, "f"]) {
      const options = { directory, name };
      expect(await download(`${server.url}/f`, { ...options, existing: "skip" })).toMatchObject({
        skipped: true,
        path,
      });
      const error = await download(`${server.url}/f`, { ...options, existing: "error" }).catch(
        (error: unknown) => error,
      );
      expect(error).toBeInstanceOf(FileExistsError);
      expect(readFileSync(path, "utf8")).toBe("old");
    }
    expect(server.asked.length).toBe(2); // with a name that is known, nothing is asked
    expect(await download(`${server.url}/g`, { directory, existing: "error" })).toMatchObject({
      bytes: 1000,
    });
    await download(`${server.url}/f`, { directory });
    expect(readFileSync(path).equals(served.content)).toBe(true);
    expect(readdirSync(directory).sort()).toEqual(["f", "g"]);
  });
});

test("a link of that name is replaced, not followed", async () => {
  await run(async () => {
    const served = file(1000);
    await using server = await serveFile(served);
    const directory = folder();
    mkdirSync(join(directory, "in"));
    writeFileSync(join(directory, "secret"), "untouched");
    symlinkSync(join(directory, "secret"), join(directory, "in", "f"));
    await download(`${server.url}/f`, { directory: join(directory, "in") });
    expect(readFileSync(join(directory, "secret"), "utf8")).toBe("untouched");
    expect(readFileSync(join(directory, "in", "f")).equals(served.content)).toBe(true);
  });
});

test("the same file twice at the same time is refused", async () => {
  await run(async () => {
    await using server = await serveFile(file(2_000_000));
    const directory = folder();
    const first = createTask(() => download(`${server.url}/f`, { directory, bandwidth: 4_000_000 }));
    await server.until(() => server.asked.length === 1);
    await expect(download(`${server.url}/f`, { directory })).rejects.toThrow("is being downloaded to");
    expect((await first).bytes).toBe(2_000_000);
  });
});

test("many at once, no more than allowed; one that fails does not end the others", async () => {
  await run(async () => {
    let underWay = 0;
    let most = 0;
    await using server = await serveHttp((request, response) => {
      most = Math.max(most, ++underWay);
      setImmediate(() => {
        underWay--;
        if (request.url === "/7") response.statusCode = 404;
        response.end(`content of ${request.url}`);
      });
    });
    const directory = folder();
    const urls = Array.from({ length: 12 }, (_, index) => `${server.url}/${index}`);
    const outcomes = await downloadAll(urls, { directory, concurrency: 3, perHost: 2 });
    expect(most).toBeLessThanOrEqual(2);
    expect(outcomes.map(({ ok }) => ok)).toEqual(urls.map((_, index) => index !== 7));
    expect(outcomes.map(({ url }) => url)).toEqual(urls);
    expect(outcomes[7]).toMatchObject({
      error: { name: "HttpStatusError", status: 404, bodyStart: "content of /7" },
    });
    expect(readFileSync(join(directory, "11"), "utf8")).toBe("content of /11");
    expect(readdirSync(directory).length).toBe(11);
  });
});

test("files of the same name get numbers, and each item what is its own", async () => {
  await run(async () => {
    await using server = await serveHttp((request, response) => response.end(request.url));
    const directory = folder();
    await using client = new HttpClient();
    const items = [
      `${server.url}/a/index.html`,
      `${server.url}/b/index.html`,
      { url: `${server.url}/c`, name: "own.txt" },
    ];
    const outcomes = await downloadAll(items, { directory, concurrency: 1, client });
    expect(outcomes.every(({ ok }) => ok)).toBe(true);
    const read = (name: string): string => readFileSync(join(directory, name), "utf8");
    expect([read("index.html"), read("index (2).html"), read("own.txt")]).toEqual([
      "/a/index.html",
      "/b/index.html",
      "/c",
    ]);
    expect(client.active).toBe(0);
  });
});

test("cancelling many cancels all of them", async () => {
  await run(async () => {
    await using server = await serveHttp((_, response) => void response.write("begin"));
    const directory = folder();
    const task = createTask(() =>
      downloadAll(
        [1, 2, 3, 4, 5].map((n) => `${server.url}/${n}`),
        { directory, perHost: 3 },
      ),
    );
    await server.until(() => server.asked.length === 3);
    task.cancel();
    await expect(task).rejects.toBeInstanceOf(CancelledError);
    await server.until(() => server.sockets.size === 0);
    expect(server.asked.length).toBe(3);
    expect(readdirSync(directory)).toEqual([]); // nothing that could be resumed
  });
});

test("bandwidth is limited, also of several downloads together", async () => {
  await run(async () => {
    const served = file(100_000);
    await using server = await serveFile(served);
    const begun = performance.now();
    const directory = folder();
    const bandwidth = new Bandwidth(400_000);
    await downloadAll([`${server.url}/a`, `${server.url}/b`], { directory, bandwidth });
    // 200,000 bytes, of which a burst of 40,000 comes at once.
    expect(performance.now() - begun).toBeGreaterThanOrEqual(390);
  });
});

test.each([
  ["ftp://x/", {}, "url must begin with http:// or https://"],
  ["http://x/", { name: "../x" }, "name must be a name without folders"],
  ["http://x/", { name: ".." }, "name must be a name without folders"],
  ["http://x/", { ranges: 0 }, "ranges must be an integer >= 1"],
  ["http://x/", { checksum: "sha256" as never }, 'checksum must be such as "sha256:9f86d0…"'],
  ["http://x/", { checksum: "sha3000:00" as never }, "is no hash that Node knows"],
  ["http://x/", { checksum: "sha256:00" as never }, "a digest of sha256 has 32 bytes"],
  ["http://x/", { existing: "ask" as never }, 'existing must be "replace", "skip" or "error"'],
  ["http://x/", { bandwidth: 0.5 }, "bandwidth must be an integer >= 1"],
  ["http://x/", { dir: "x" } as never, 'download() has no option "dir"'],
])("download() refuses what makes no sense (%#)", async (url, options, message) => {
  await run(async () => {
    await expect(download(url, options)).rejects.toThrow(message);
  });
});
