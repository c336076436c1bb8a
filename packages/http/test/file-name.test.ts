import { downloadName } from "@brio/http/download";
import { expect, test } from "vitest";
import { numbered } from "../src/download/file-name.ts";

const URL_ = "https://example.com/files/from-url.bin?x=1#y";

test.each([
  [null, "from-url.bin"],
  ["inline", "from-url.bin"],
  ["attachment; filename=plain.txt", "plain.txt"],
  ['attachment; filename="with space.txt"', "with space.txt"],
  ['attachment; filename="a \\"quote\\".txt"', "a quote.txt"],
  ["attachment; filename*=UTF-8''%e2%82%ac%20rates.txt", "€ rates.txt"],
  ["attachment; filename=\"EURO.txt\"; filename*=utf-8''%e2%82%ac.txt", "€.txt"],
  ["attachment; filename*=iso-8859-1'en'%A3.txt", "£.txt"],
  [`attachment; filename="${Buffer.from("grüße.txt").toString("latin1")}"`, "grüße.txt"],
  ["ATTACHMENT; FILENAME=up.txt", "up.txt"],
])("Content-Disposition %s: %s", (disposition, name) => {
  expect(downloadName(URL_, disposition)).toBe(name);
});

test.each([
  ["../../etc/passwd", "passwd"],
  ["..\\..\\windows\\system32\\evil.dll", "evil.dll"],
  ["/etc/passwd", "passwd"],
  ["C:\\autoexec.bat", "autoexec.bat"],
  ["C:evil.txt", "Cevil.txt"],
  ["a/../../b", "b"],
  ["..", "from-url.bin"],
  [".", "from-url.bin"],
  ["...", "from-url.bin"],
  ["", "from-url.bin"],
  ["folder/", "from-url.bin"],
  [".bashrc", "bashrc"],
  ["nul\0.txt", "_nul.txt"],
  ["a\0b.txt", "ab.txt"],
  ["line\r\nbreak.txt", "linebreak.txt"],
  ["CON", "_CON"],
  ["con.txt", "_con.txt"],
  ["LPT1.log", "_LPT1.log"],
  ["console.log", "console.log"],
  ["invoice\u202egpj.exe", "invoicegpj.exe"],
  ["file.txt:stream", "file.txtstream"],
  ["what?*<>|.txt", "what.txt"],
  ["trailing. . ", "trailing"],
  ["~/.ssh/authorized_keys", "authorized_keys"],
  ["-rf", "-rf"],
  ["%2e%2e%2fpasswd", "passwd"],
])("a name that plays tricks: %j becomes %j", (given, name) => {
  const encoded = encodeURIComponent(given).replace(/[*']/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
  const extended = given.startsWith("%") ? given : encoded;
  expect(downloadName(URL_, `attachment; filename*=UTF-8''${extended}`)).toBe(name);
});

test.each([
  ["https://example.com/", "download"],
  ["https://example.com", "download"],
  ["https://example.com/a/b/", "b"],
  ["https://example.com/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "passwd"],
  ["https://example.com/a%00b.txt", "ab.txt"],
  ["https://example.com/%E0%A4%A", "%E0%A4%A"],
  ["https://example.com/..%5c..%5cevil.exe", "evil.exe"],
])("from the URL %s: %s", (url, name) => {
  expect(downloadName(url)).toBe(name);
});

test("a name that is too long is cut, and keeps its extension", () => {
  const name = downloadName(URL_, `attachment; filename="${"ü".repeat(400)}.tar.gz"`);
  expect(Buffer.byteLength(name)).toBeLessThanOrEqual(200);
  expect(name).toMatch(/^ü+\.tar\.gz$/);
});

test("numbers stand before the extension", () => {
  expect([numbered("a.txt", 2), numbered("a", 3), numbered("b.tar.gz", 2)]).toEqual([
    "a (2).txt",
    "a (3)",
    "b (2).tar.gz",
  ]);
});
