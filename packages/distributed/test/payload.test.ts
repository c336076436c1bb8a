import { expect, test } from "vitest";
import { packArguments } from "../src/wire/job-data.ts";
import { bytesOf, decode, encode, type Payload } from "../src/wire/payload.ts";

/** To the other end, by way of JSON. */
function sent(value: unknown): { how: string; value: unknown } {
  const { payload } = encode(value);
  return {
    how: Object.keys(payload).join(),
    value: decode(JSON.parse(JSON.stringify(payload)) as Payload),
  };
}

const circle: Record<string, unknown> = { name: "circle" };
circle.self = circle;
const twice = { n: 1 };
const beside = Object.assign([1, 2], { name: "beside" });

test.each([
  ["a number", 17],
  ["text", "grüße 👋 \u0000 \ud800"],
  ["null", null],
  ["a list", [1, "two", [false, null]]],
  ["an object", { a: { b: [{ c: 1.5 }] }, "": 0 }],
])("%s is written as JSON", (_, value) => {
  expect(sent(value)).toEqual({ how: "json", value });
});

test("undefined needs no words", () => {
  expect(sent(undefined)).toEqual({ how: "", value: undefined });
});

test.each([
  ["-0", -0],
  ["NaN", Number.NaN],
  ["infinity", Number.NEGATIVE_INFINITY],
  ["a bigint", 2n ** 70n],
  ["a date", new Date(0)],
  ["a map", new Map([["a", new Set([1])]])],
  ["bytes", Uint8Array.of(1, 2, 3)],
  ["an array of floats", Float64Array.of(0.5)],
  ["a regular expression", /a+/g],
  ["undefined in a list", [undefined, 1]],
  ["undefined in an object", { a: undefined }],
  ["a hole", Object.assign([], { 0: 1, 2: 3 })],
  ["a circle", circle],
  ["a list with more than elements", beside],
])("%s is written as V8 does it, and comes back as it was", (_, value) => {
  const { how, value: back } = sent(value);
  expect(how).toBe("v8");
  expect(back).toStrictEqual(value);
});

test("what is there twice is one thing on the other side as well", () => {
  const { value } = sent([twice, twice]);
  const [a, b] = value as [object, object];
  expect(a).toEqual({ n: 1 });
  expect(a).toBe(b);
});

test("what would be something else as JSON is not written so", () => {
  expect(sent({ toJSON: "no function" }).value).toEqual({ toJSON: "no function" });
  expect(sent(JSON.parse('{ "__proto__": 1 }')).how).toBe("v8");
  expect(sent(Object.assign(Object.create({ inherited: 1 }), { own: 2 })).value).toEqual({ own: 2 });
});

test("deeper than JSON would be safe, V8 takes over", () => {
  let deep: unknown = 1;
  for (let n = 0; n < 100; n++) deep = [deep];
  const { how, value } = sent(deep);
  expect(how).toBe("v8");
  expect(value).toEqual(deep);
});

test("the estimate of a size is never too small, and the exact one is exact", () => {
  for (const value of [
    1e-300,
    "\u0000",
    "ü👋",
    { "\u0001": [null, true, "\ud800"] },
    [],
    {},
    undefined,
    5n,
  ]) {
    const encoded = encode(value);
    const bytes = Buffer.byteLength(JSON.stringify(encoded.payload));
    expect(encoded.atMost).toBeGreaterThanOrEqual(bytes);
    expect(bytesOf(encoded, 0)).toBe(bytes);
  }
});

test("an argument that can't be sent is named", () => {
  const call = () => packArguments("jobs#resize", ["a.png", { done: () => {} }], 1000);
  expect(call).toThrow(TypeError);
  expect(call).toThrow(
    "argument 2 ({ done: [Function: done] }) of jobs#resize can't be sent to another machine",
  );
});

test("memory that is shared can't be, with other machines", () => {
  expect(() => packArguments("jobs#fill", [new SharedArrayBuffer(8)], 1000)).toThrow(
    "argument 1 (SharedArrayBuffer",
  );
});

test("arguments that are too large are measured, and the way out is named", () => {
  expect(() => packArguments("jobs#resize", ["x".repeat(1000)], 1000)).toThrow(
    "the arguments of jobs#resize take 1013 bytes, more than maxArgumentBytes (1000) allows",
  );
  expect(packArguments("jobs#resize", ["x".repeat(987)], 1000)).toEqual({ json: ["x".repeat(987)] });
});
