import { createTask, run, sleep, TimeoutError, timeout } from "brio";
import { getaddrinfo, getnameinfo } from "brio/streams";
import { describe, expect, it } from "vitest";
import { ending, until } from "./datagrams.ts";

const idle = (): boolean =>
  !process.getActiveResourcesInfo().some((name) => /GetAddrInfo|GetNameInfo/.test(name));

describe("getaddrinfo", () => {
  it("gives what is an address already as it is, without a resolver", async () => {
    await run(async () => {
      const looking = Promise.all([
        getaddrinfo("127.0.0.1", 80),
        getaddrinfo("::1", 443, { family: 6 }),
        getaddrinfo("fe80::1%eth7", 0),
      ]);
      expect(idle()).toBe(true);
      expect(await looking).toEqual([
        [{ address: "127.0.0.1", family: 4, port: 80 }],
        [{ address: "::1", family: 6, port: 443 }],
        [{ address: "fe80::1%eth7", family: 6, port: 0 }],
      ]);
    });
  });

  it("asks the system for a name, and for one family if it is told to", async () => {
    await run(async () => {
      const found = await getaddrinfo("localhost", 22, { family: 4 });
      expect(found).toContainEqual({ address: "127.0.0.1", family: 4, port: 22 });
      expect(found.every(({ family }) => family === 4)).toBe(true);
      expect(await getaddrinfo("localhost", 22)).not.toEqual([]);
    });
  });

  it("says that an address is not of the family", async () => {
    await run(async () => {
      await expect(getaddrinfo("::1", 80, { family: 4 })).rejects.toMatchObject({
        code: "ENOTFOUND",
        hostname: "::1",
      });
      expect(await ending(getaddrinfo("127.0.0.1", 80, { family: 6 }))).toBe("ENOTFOUND");
    });
  });

  it("says that nobody knows a name", async () => {
    await run(async () => {
      expect(["ENOTFOUND", "EAI_AGAIN"]).toContain(await ending(getaddrinfo("no-such-host.invalid", 80)));
    });
  });

  it("can be cancelled: the answer is dropped", async () => {
    await run(async () => {
      const looking = createTask(() => getaddrinfo("localhost", 80));
      await sleep(0);
      expect(idle()).toBe(false);
      looking.cancel();
      expect(await ending(looking)).toBe("CancelledError");
      await until(idle);
      const late = timeout(0, () => getaddrinfo("localhost", 80));
      await expect(late).rejects.toBeInstanceOf(TimeoutError);
      await until(idle);
    });
  });

  it("names the argument that is wrong", async () => {
    await run(async () => {
      await expect(getaddrinfo("", 80)).rejects.toThrow(/^host must be a name or an address/);
      await expect(getaddrinfo(null as never, 80)).rejects.toThrow(/^host must be/);
      for (const port of [-1, 65_536, 1.5, "80", "http", undefined]) {
        await expect(getaddrinfo("127.0.0.1", port as never)).rejects.toThrow(/^port must be a whole number/);
      }
      await expect(getaddrinfo("127.0.0.1", 80, { family: 5 as never })).rejects.toThrow(
        /^family must be 4 or 6/,
      );
    });
  });

  it("needs a task", async () => {
    await expect(getaddrinfo("127.0.0.1", 80)).rejects.toThrow(/getaddrinfo\(\) needs a running event loop/);
  });
});

describe("getnameinfo", () => {
  it("gives the names of an address and a port", async () => {
    await run(async () => {
      const { hostname, service } = await getnameinfo("127.0.0.1", 65_000);
      expect([typeof hostname, service]).toEqual(["string", "65000"]);
    });
  });

  it("can be cancelled", async () => {
    await run(async () => {
      const looking = createTask(() => getnameinfo("127.0.0.1", 22));
      await sleep(0);
      looking.cancel();
      expect(await ending(looking)).toBe("CancelledError");
      await until(idle);
    });
  });

  it("names the argument that is wrong", async () => {
    await run(async () => {
      await expect(getnameinfo("localhost", 22)).rejects.toThrow(/getaddrinfo\(\) gives those of a name/);
      await expect(getnameinfo("127.0.0.1", -1)).rejects.toThrow(/^port must be/);
    });
    await expect(getnameinfo("127.0.0.1", 22)).rejects.toThrow(/needs a running event loop/);
  });
});
