import { openDatagram } from "brio/streams";
import { describe, expect, it } from "vitest";
import { Child } from "../run/child.ts";
import { ending, leavesNothing, local, nobody } from "./datagrams.ts";

describe("what can't be opened", () => {
  it("is a port that is taken", async () => {
    await leavesNothing(async () => {
      await using socket = await local();
      expect(await ending(local({ localPort: socket.port }))).toBe("EADDRINUSE");
    });
  });

  it("is an address that is not this machine's", async () => {
    await leavesNothing(async () => {
      expect(await ending(openDatagram({ localAddress: "203.0.113.1" }))).toBe("EADDRNOTAVAIL");
    });
  });

  it("is a connection that the system refuses", async () => {
    await leavesNothing(async () => {
      const everybody = { remoteAddress: "255.255.255.255", remotePort: 9 };
      expect(await ending(openDatagram(everybody))).toBe("EACCES");
    });
  });

  it("is a name that nobody knows", async () => {
    await leavesNothing(async () => {
      const code = await ending(openDatagram({ localAddress: "no-such-host.invalid" }));
      expect(["ENOTFOUND", "EAI_AGAIN"]).toContain(code);
    });
  });

  it("is a pair of addresses of different families", async () => {
    await leavesNothing(async () => {
      const options = { localAddress: "127.0.0.1", remoteAddress: "::1", remotePort: 9 };
      await expect(openDatagram(options)).rejects.toThrow(/are of different families/);
    });
  });

  it("is what the arguments say wrongly", async () => {
    await leavesNothing(async () => {
      const wrong: [object, RegExp][] = [
        [{ localPort: 65_536 }, /^localPort must be a whole number/],
        [{ localPort: "80" }, /^localPort must be a whole number/],
        [{ remoteAddress: "127.0.0.1" }, /^remoteAddress and remotePort go together/],
        [{ remotePort: 9 }, /^remoteAddress and remotePort go together/],
        [{ remoteAddress: "127.0.0.1", remotePort: -1 }, /^remotePort must be/],
        [{ family: 5 }, /^family must be 4 or 6/],
        [{ localAddress: "" }, /^host must be a name or an address/],
      ];
      for (const [options, message] of wrong) await expect(openDatagram(options)).rejects.toThrow(message);
      await expect(openDatagram(null as never)).rejects.toThrow(/takes options/);
    });
  });

  it("needs a loop", async () => {
    await expect(openDatagram()).rejects.toThrow(/openDatagram\(\) needs a running event loop/);
  });
});

describe("what can't be sent", () => {
  it("is refused before anything is sent", async () => {
    await leavesNothing(async () => {
      await using socket = await local();
      await expect(socket.send(5 as never, nobody)).rejects.toThrow(/^data must be bytes or text/);
      await expect(socket.send("x")).rejects.toThrow(/send\(\) needs an address/);
      await expect(socket.send("x", "127.0.0.1" as never)).rejects.toThrow(/send\(\) needs an address/);
      await expect(socket.send("x", { address: "127.0.0.1", port: -1 })).rejects.toThrow(/^port must be/);
      await expect(socket.send("x", { address: "::1", port: 9 })).rejects.toThrow(/^address must be an IPv4/);
      expect(socket.statistics()).toMatchObject({ sent: 0, sending: 0 });
    });
  });

  it("is broadcast, unless that is asked for", async () => {
    await leavesNothing(async () => {
      const everybody = { address: "127.255.255.255", port: 9 };
      await using plain = await local();
      expect(await ending(plain.send("x", everybody))).toBe("EACCES");
      await using broadcaster = await local({ broadcast: true });
      await broadcaster.send("x", everybody);
    });
  });

  it("has no effect outside a task", async () => {
    const socket = await leavesNothing(() => local());
    await expect(socket.receive()).rejects.toThrow(/needs a running event loop/);
    await expect(socket.send("x", nobody)).rejects.toThrow(/needs a running event loop/);
    await expect(socket.waitClosed()).rejects.toThrow(/needs a running event loop/);
  });
});

describe("a process that has no descriptor left", () => {
  it.skipIf(process.platform !== "linux")(
    "opens no socket, says so, and goes on with those that it has",
    async () => {
      const child = new Child(new URL("fixtures/datagram-emfile.ts", import.meta.url), [], {
        descriptors: 40,
      });
      const { out, code, err } = await child.ended;
      expect(out).toEqual([
        expect.stringMatching(/^\d+ sockets, then (EMFILE from bind,?){3}; hello$/),
        "the same again",
        "0 left",
      ]);
      expect({ code, err }).toEqual({ code: 0, err: "" });
    },
  );
});
