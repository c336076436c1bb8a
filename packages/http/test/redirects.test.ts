import { HttpClient, HttpRedirectError } from "@brio/http";
import { run } from "brio";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { type Echo, echo, type Loopback, serveHttp } from "./loopback.ts";

leavesNothing();

/** `/301/…` redirects with that status to `…`; everything else is echoed. */
function redirecting(to: (rest: string) => string = (rest) => `/${rest}`): Promise<Loopback> {
  return serveHttp((request, response) => {
    const [, status, rest] = /^\/(3\d\d)\/(.*)$/.exec(request.url ?? "") ?? [];
    if (status === undefined) return echo(request, response);
    request.resume();
    return response.writeHead(Number(status), { location: to(rest as string) }).end("moved");
  });
}

test.each([
  [301, "POST", "GET", ""],
  [302, "POST", "GET", ""],
  [303, "POST", "GET", ""],
  [303, "PUT", "GET", ""],
  [307, "POST", "POST", "x"],
  [308, "PUT", "PUT", "x"],
  [302, "DELETE", "DELETE", "x"],
] as const)("%i after %s: %s, and the body %j", async (status, method, next, body) => {
  await run(async () => {
    await using server = await redirecting();
    await using client = new HttpClient({ baseUrl: server.url });
    const response = await client.request(method, `/${status}/there`, { body: "x" });
    const seen = await response.json<Echo>();
    expect(seen).toMatchObject({ method: next, url: "/there", body });
    expect(seen.headers["content-type"]).toBe(body === "" ? undefined : "text/plain;charset=UTF-8");
    expect(response.url).toBe(`${server.url}/there`);
    expect(response.redirects).toEqual([`${server.url}/${status}/there`]);
    expect(server.asked.length).toBe(2);
  });
});

test("a redirect is the response if none are followed", async () => {
  await run(async () => {
    await using server = await redirecting();
    await using client = new HttpClient({ maxRedirects: 0 });
    const response = await client.get(`${server.url}/302/there`);
    expect([response.status, response.header("location"), await response.text()]).toEqual([
      302,
      "/there",
      "moved",
    ]);
  });
});

test("too many redirects", async () => {
  await run(async () => {
    let n = 0;
    await using server = await serveHttp((_, response) =>
      response.writeHead(302, { location: `/${++n}` }).end(),
    );
    await using client = new HttpClient({ maxRedirects: 3 });
    const error = await client.get(server.url).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(HttpRedirectError);
    expect(error).toMatchObject({ location: "/4", status: 302, url: `${server.url}/3` });
    expect(String(error)).toContain("redirects once more after 3 redirects");
    expect(server.asked.length).toBe(4);
  });
});

test("redirects in a circle", async () => {
  await run(async () => {
    await using server = await serveHttp((request, response) => {
      response.writeHead(302, { location: request.url === "/a" ? "/b" : "/a" }).end();
    });
    await using client = new HttpClient({ baseUrl: server.url });
    await expect(client.get("/a")).rejects.toThrow("redirects in a circle");
    expect(server.asked).toEqual(["GET /a", "GET /b"]);
    expect(client.active).toBe(0);
  });
});

test.each([
  "file:///etc/passwd",
  "ftp://127.0.0.1/x",
  "javascript:alert(1)",
  "data:text/plain,x",
  "http://",
  "//[",
  "gopher://x",
])("a redirect to %s is not followed", async (location) => {
  await run(async () => {
    await using server = await serveHttp((_, response) => response.writeHead(302, { location }).end());
    await using client = new HttpClient();
    const error = await client.get(server.url).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(HttpRedirectError);
    expect(error).toMatchObject({ location, status: 302 });
    expect(String(error)).toContain("no URL of http or https");
    expect(server.asked.length).toBe(1);
  });
});

test("credentials go to no other origin; other headers do", async () => {
  await run(async () => {
    await using other = await serveHttp(echo);
    await using server = await redirecting((rest) => (rest === "other" ? `${other.url}/seen` : `/${rest}`));
    const headers = {
      authorization: "Bearer token",
      cookie: "session=1",
      "proxy-authorization": "Basic x",
      "X-Api-Key": "key",
      "x-trace": "1",
    };
    await using client = new HttpClient({ baseUrl: server.url, credentialHeaders: ["x-api-key"] });
    const same = await (await client.get("/302/same", { headers })).json<Echo>();
    expect(same.headers).toMatchObject({
      authorization: "Bearer token",
      cookie: "session=1",
      "x-api-key": "key",
    });
    const { headers: seen } = await (await client.get("/302/other", { headers })).json<Echo>();
    expect(seen["x-trace"]).toBe("1");
    for (const name of ["authorization", "cookie", "proxy-authorization", "x-api-key"])
      expect(seen).not.toHaveProperty(name);
    expect(seen.host).toBe(new URL(other.url).host);
  });
});

test("credentials in the URL of a redirect are not taken up", async () => {
  await run(async () => {
    await using other = await serveHttp(echo);
    const evil = other.url.replace("http://", "http://user:word@");
    await using server = await serveHttp((_, response) => response.writeHead(302, { location: evil }).end());
    await using client = new HttpClient();
    const response = await client.get(server.url);
    expect((await response.json<Echo>()).headers).not.toHaveProperty("authorization");
    expect(response.url).toBe(`${other.url}/`);
  });
});

test("cookies are kept, and sent to those who set them", async () => {
  await run(async () => {
    await using other = await serveHttp(echo);
    await using server = await serveHttp((request, response) => {
      if (request.url !== "/login") return echo(request, response);
      return response
        .writeHead(302, { location: "/home", "set-cookie": ["session=7; Path=/", "theme=dark; Path=/other"] })
        .end();
    });
    await using client = new HttpClient({ baseUrl: server.url, cookies: true });
    expect((await (await client.post("/login")).json<Echo>()).headers.cookie).toBe("session=7");
    expect((await (await client.get("/other")).json<Echo>()).headers.cookie).toBe("theme=dark; session=7");
    expect(
      (await (await client.get("/", { headers: { cookie: "own=1" } })).json<Echo>()).headers.cookie,
    ).toBe("own=1; session=7");
    // Cookies know hosts, not ports: another host is needed here.
    const elsewhere = await client.get(other.url.replace("127.0.0.1", "localhost"));
    expect((await elsewhere.json<Echo>()).headers).not.toHaveProperty("cookie");
    expect(client.cookieJar?.getCookiesSync(server.url).map(({ key }) => key)).toEqual(["session"]);
  });
});

test("a page that sets a cookie and redirects to itself is no circle", async () => {
  await run(async () => {
    await using server = await serveHttp((request, response) => {
      if (request.headers.cookie === "seen=1") response.end("welcome");
      else response.writeHead(302, { location: "/", "set-cookie": "seen=1" }).end();
    });
    await using client = new HttpClient({ cookies: true });
    expect(await (await client.get(server.url)).text()).toBe("welcome");
  });
});
