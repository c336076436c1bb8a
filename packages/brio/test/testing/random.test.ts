import { Random } from "brio/testing";
import { describe, expect, it } from "vitest";

const draw = (seed: number) => {
  const random = new Random(seed);
  return Array.from({ length: 20 }, () => random.next());
};

describe("Random", () => {
  it("gives the same numbers for the same seed", () => {
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it("gives known numbers, so that a seed from a report stays valid", () => {
    const random = new Random(1);
    expect([random.integer(1000), random.integer(1000), random.integer(1000)]).toEqual([2, 527, 981]);
  });

  it("begins differently with neighbouring seeds", () => {
    const firsts = Array.from({ length: 100 }, (_, seed) => new Random(seed).integer(10));
    expect(new Set(firsts).size).toBe(10);
  });

  it("spreads integers over their range", () => {
    const random = new Random(3);
    const counts = new Map<number, number>();
    for (let i = 0; i < 4000; i++) {
      const drawn = random.integer(4);
      counts.set(drawn, (counts.get(drawn) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual([0, 1, 2, 3]);
    for (const count of counts.values()) expect(count).toBeGreaterThan(850);
  });

  it("picks one of its choices, and refuses to pick from none", () => {
    const random = new Random(5);
    const picked = new Set(Array.from({ length: 50 }, () => random.pick(["a", "b", "c"])));
    expect([...picked].sort()).toEqual(["a", "b", "c"]);
    expect(() => random.pick([])).toThrow(/nothing to choose from/);
  });

  it("is true as often as it is asked to be", () => {
    const random = new Random(9);
    let hits = 0;
    for (let i = 0; i < 1000; i++) if (random.chance(0.3)) hits++;
    expect(hits).toBeGreaterThan(240);
    expect(hits).toBeLessThan(360);
    expect(random.chance(0)).toBe(false);
    expect(random.chance(1)).toBe(true);
  });

  it("refuses a seed that is no integer", () => {
    expect(() => new Random(0.5)).toThrow("seed must be an integer; got 0.5");
  });
});
