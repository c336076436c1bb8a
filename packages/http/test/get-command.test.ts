import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { run } from "brio";
import { createSubprocessExec, DEVNULL, PIPE, run as runCommand } from "brio/subprocess";
import { expect, test, vi } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { getCommand } from "../src/command/get-command.ts";
import { file, folder, noted, serveFile } from "./file-server.ts";
import { echo, serveHttp } from "./loopback.ts";

leavesNothing();

const MAIN = fileURLToPath(new URL("../src/command/main.ts", import.meta.url));
const COMMAND = ["--no-warnings", "--conditions=brio-source", MAIN];

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the command to its end; in a task. */
async function get(args: readonly string[], input?: string): Promise<Ended> {
  const { returncode, stdout, stderr } = await runCommand(process.execPath, [...COMMAND, ...args], { input });
  return { code: returncode, out: stdout, err: stderr };
}

test("downloads what is named, and what is in a list, into a folder", async () => {
  await run(async () => {
    const served = file(50_000);
    await using server = await serveFile(served);
    const directory = folder();
    const list = join(folder(), "list.txt");
    const sum = createHash("sha256").update(served.content).digest("hex");
    writeFileSync(list, `# a list\n${server.url}/b  # the second\n\n${server.url}/c sha256:${sum}\n`);
    const { code, out, err } = await get([`${server.url}/a`, "-i", list, "-j", "16", "-d", directory]);
    expect({ code, out }).toEqual({ code: 0, out: "" });
    expect(readdirSync(directory).sort()).toEqual(["a", "b", "c"]);
    expect(readFileSync(join(directory, "c")).equals(served.content)).toBe(true);
    expect(err).toContain(`${join(directory, "a")}: 50.0 kB`);
    expect(err).toMatch(/\n3 files, 150\.0 kB in \d+\.\d s \(.*\/s\)\n$/);
  });
});

test("--json: a line for each, and a sum; 1 if some failed", async () => {
  await run(async () => {
    await using server = await serveHttp((request, response) => {
      if (request.url === "/missing") response.statusCode = 404;
      response.end("content");
    });
    const directory = folder();
    const { code, out, err } = await get([
      "--json",
      "-q",
      "-d",
      directory,
      `${server.url}/a`,
      `${server.url}/missing`,
    ]);
    expect({ code, err }).toEqual({ code: 1, err: "" });
    const lines = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines).toContainEqual(
      expect.objectContaining({ ok: true, url: `${server.url}/a`, path: join(directory, "a"), bytes: 7 }),
    );
    expect(lines).toContainEqual(
      expect.objectContaining({
        ok: false,
        url: `${server.url}/missing`,
        error: "HttpStatusError",
        status: 404,
      }),
    );
    expect(lines.at(-1)).toEqual({
      summary: { files: 1, skipped: 0, failed: 1, bytes: 7, duration: expect.any(Number) },
    });
  });
});

test("headers, a name, a list on stdin, and files that are there", async () => {
  await run(async () => {
    await using server = await serveHttp(echo);
    const directory = folder();
    const args = ["-d", directory, "-o", "out.json", "-H", "X-Key: 1", "--user", "ann:pass", "--no-resume"];
    expect((await get([...args, `${server.url}/x`])).code).toBe(0);
    const seen = JSON.parse(readFileSync(join(directory, "out.json"), "utf8"));
    const authorization = `Basic ${Buffer.from("ann:pass").toString("base64")}`;
    expect(seen.headers).toMatchObject({ "x-key": "1", authorization });
    const { code, err } = await get(
      ["-i", "-", "-d", directory, "--existing", "skip"],
      `${server.url}/out.json\n`,
    );
    expect(code).toBe(0);
    expect(err).toContain("out.json: is there already");
    expect(err).toContain("0 files, 0 B in");
    expect(err).toContain("1 skipped");
  });
});

test("a failure says what happened, and -q nothing else", async () => {
  await run(async () => {
    await using server = await serveHttp((_, response) => response.writeHead(403).end("no"));
    const { code, err } = await get(["-q", "-d", folder(), `${server.url}/secret`]);
    expect({ code, err }).toEqual({
      code: 1,
      err: `failed: GET ${server.url}/secret answered with 403 Forbidden\n`,
    });
  });
});

test("SIGINT stops it, and the next one goes on", async () => {
  await run(async () => {
    const served = file(20_000_000);
    await using server = await serveFile(served);
    const directory = folder();
    const args = ["-d", directory, `${server.url}/f`];
    const child = await createSubprocessExec(process.execPath, [...COMMAND, ...args, "--limit-rate", "4M"], {
      stdin: DEVNULL,
      stdout: PIPE,
      stderr: PIPE,
    });
    await server.until(() => server.asked.length === 1);
    // It is noted every second.
    await noted(directory);
    child.sendSignal("SIGINT");
    const [, err] = await child.communicate();
    expect(await child.wait()).toBe(130);
    expect(err.toString()).toContain("brio-get: stopped; what has come is kept");
    expect((await get(args)).code).toBe(0);
    expect(readFileSync(join(directory, "f")).equals(served.content)).toBe(true);
    expect(served.asked[1]).toMatch(/^bytes=[1-9]\d*-/);
  });
});

test("--help and --version", async () => {
  await run(async () => {
    const help = await get(["--help"]);
    expect(help).toMatchObject({ code: 0, err: "" });
    expect(help.out).toContain("brio-get URL... [options]");
    expect(await get(["--version"])).toEqual({ code: 0, out: "0.1.0\n", err: "" });
  });
});

test.each([
  [[], "say what to download: brio-get URL..., or -i FILE"],
  [["http://x/", "-j", "many"], "--jobs takes a whole number >= 1; got many"],
  [["http://x/", "--limit-rate", "fast"], "--limit-rate takes bytes, as in 500k or 2M; got fast"],
  [["http://x/", "http://y/", "-o", "name"], "--output is for a single URL"],
  [["http://x/", "-H", "nonsense"], `--header takes "Name: value"; got 'nonsense'`],
  [["ftp://x/"], "url must begin with http:// or https://"],
  [["http://x/", "--checksum", "abc"], "checksum must be such as"],
  [["http://x/", "--existing", "ask"], 'existing must be "replace", "skip" or "error"'],
  [["http://x/", "--idle-timeout", "soon"], "timeout.idle is not a duration"],
  [["http://x/", "--color"], "Unknown option '--color'"],
])("brio-get %s is wrong usage: %s", async (args, message) => {
  const written = vi.spyOn(console, "error").mockImplementation(() => {});
  try {
    await getCommand(args);
    expect(process.exitCode).toBe(2);
    expect(String(written.mock.calls)).toContain(`brio-get: ${message}`);
    expect(String(written.mock.calls)).toContain("brio-get URL... [options]");
  } finally {
    process.exitCode = undefined;
    written.mockRestore();
  }
});
