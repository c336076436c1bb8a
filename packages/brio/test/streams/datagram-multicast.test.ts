import { networkInterfaces } from "node:os";
import { timeout } from "brio";
import { openDatagram } from "brio/streams";
import { beforeAll, describe, expect, it } from "vitest";
import { ending, leavesNothing, text } from "./datagrams.ts";

const GROUP = "239.255.77.1";
const LOOPBACK = { interface: "127.0.0.1" };

/** Why this machine can't do it, or null. */
let missing: string | null = null;

beforeAll(async () => {
  await leavesNothing(async () => {
    try {
      await using socket = await openDatagram({ family: 4 });
      socket.multicast.join(GROUP, LOOPBACK);
      socket.multicast.setInterface("127.0.0.1");
      await socket.send("probe", { address: GROUP, port: socket.port });
      await timeout("2s", () => socket.receive());
    } catch (error) {
      missing = `no multicast on the loopback interface: ${error}`;
    }
  });
});

/** A socket that sends to the group over the loopback interface. */
async function sender() {
  const socket = await openDatagram({ family: 4 });
  socket.multicast.setInterface("127.0.0.1");
  return socket;
}

describe("multicast on the loopback interface", () => {
  it("comes to all members of the group", async ({ skip }) => {
    if (missing !== null) skip(missing);
    await leavesNothing(async () => {
      await using one = await openDatagram({ family: 4, reuseAddress: true });
      await using other = await openDatagram({ family: 4, reuseAddress: true, localPort: one.port });
      one.multicast.join(GROUP, LOOPBACK);
      other.multicast.join(GROUP, LOOPBACK);
      await using source = await sender();
      await source.send("to all", { address: GROUP, port: one.port });
      expect([await text(one), await text(other)]).toEqual(["to all", "to all"]);
    });
  });

  it("no longer comes to who has left", async ({ skip }) => {
    if (missing !== null) skip(missing);
    await leavesNothing(async () => {
      await using member = await openDatagram({ family: 4 });
      await using source = await sender();
      const target = { address: GROUP, port: member.port };
      member.multicast.join(GROUP, LOOPBACK);
      await source.send("1", target);
      expect(await text(member)).toBe("1");
      member.multicast.leave(GROUP, LOOPBACK);
      await source.send("2", target);
      await source.send("straight", { address: "127.0.0.1", port: member.port });
      expect(await text(member)).toBe("straight");
    });
  });

  it("stays on this machine without hops", async ({ skip }) => {
    if (missing !== null) skip(missing);
    await leavesNothing(async () => {
      await using member = await openDatagram({ family: 4 });
      member.multicast.join(GROUP, LOOPBACK);
      await using source = await sender();
      source.multicast.setTtl(0);
      await source.send("near", { address: GROUP, port: member.port });
      expect(await text(member)).toBe("near");
    });
  });

  it("comes from one source alone, if asked for", async ({ skip }) => {
    if (missing !== null) skip(missing);
    await leavesNothing(async () => {
      const group = "232.1.2.3"; // for one source each
      await using member = await openDatagram({ family: 4 });
      member.multicast.join(group, { ...LOOPBACK, source: "127.0.0.1" });
      await using source = await openDatagram({ localAddress: "127.0.0.1" });
      source.multicast.setInterface("127.0.0.1");
      await using stranger = await openDatagram({ localAddress: "127.0.0.2" });
      stranger.multicast.setInterface("127.0.0.1");
      await stranger.send("strange", { address: group, port: member.port });
      await source.send("known", { address: group, port: member.port });
      expect(await text(member)).toBe("known");
      member.multicast.leave(group, { ...LOOPBACK, source: "127.0.0.1" });
    });
  });
});

describe("multicast on another interface", () => {
  it("does not come to this machine's own members without loopback", async ({ skip }) => {
    const at = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .find(({ family, internal }) => family === "IPv4" && !internal)?.address;
    if (at === undefined) skip("this machine has no interface but loopback");
    const unheard = await leavesNothing(async () => {
      await using member = await openDatagram({ family: 4 });
      await using source = await openDatagram({ family: 4 });
      try {
        member.multicast.join(GROUP, { interface: at });
        source.multicast.setInterface(at as string); // or it was skipped
        await source.send("probe", { address: GROUP, port: member.port });
        await timeout("2s", () => member.receive());
      } catch {
        return null;
      }
      source.multicast.setLoopback(false);
      await source.send("unheard", { address: GROUP, port: member.port });
      source.multicast.setLoopback(true);
      await source.send("heard", { address: GROUP, port: member.port });
      return (await member.receive()).data.toString() === "heard";
    });
    if (unheard === null) skip(`no multicast on the interface ${at}`);
    expect(unheard).toBe(true);
  });
});

describe("multicast that can't be", () => {
  it("is told by the system's error", async () => {
    await leavesNothing(async () => {
      await using socket = await openDatagram({ family: 4 });
      const refused = async (call: () => void) => ending((async () => call())());
      expect(await refused(() => socket.multicast.leave(GROUP, LOOPBACK))).toBe("EADDRNOTAVAIL");
      expect(await refused(() => socket.multicast.join("127.0.0.1"))).toBe("EINVAL");
    });
  });

  it("names the argument that is wrong", async () => {
    await leavesNothing(async () => {
      await using socket = await openDatagram({ family: 4 });
      expect(() => socket.multicast.join("group")).toThrow(/^group must be an IP address/);
      expect(() => socket.multicast.setInterface("lo")).toThrow(/^address must be an IP address/);
      for (const hops of [-1, 256, 0.5]) expect(() => socket.multicast.setTtl(hops)).toThrow(/^hops must be/);
    });
  });
});
