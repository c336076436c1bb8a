/** Names that Windows keeps for devices, with any extension. */
const RESERVED = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:\.|$)/i;

/** Characters that mean something to some system, can't be seen, or turn the text around (`gpj.exe` that reads as `exe.jpg`). */
const FORBIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}<>:"|?*]/gu;

/** Systems take 255 bytes; a number may be added, and `.part`. */
const LONGEST = 200;

/**
 * The name under which a download is kept: what `Content-Disposition` says, or the last part of the URL. Whatever these are, it
 * is a name in the folder itself: without separators, `..`, NUL and other characters that systems treat specially, not hidden, not
 * a device, not too long.
 *
 * @example
 * ```ts
 * import { downloadName } from "@brio/http/download";
 *
 * console.log(downloadName("https://example.com/a/report.pdf?v=2")); // report.pdf
 * console.log(downloadName("https://example.com/", 'attachment; filename="../../etc/passwd"')); // passwd
 * ```
 */
export function downloadName(url: string | URL, contentDisposition: string | null = null): string {
  const said = contentDisposition === null ? null : dispositionName(contentDisposition);
  for (const candidate of [said, lastPart(new URL(url))]) {
    const name = candidate === null ? "" : safeName(candidate);
    if (name !== "") return name;
  }
  return "download";
}

/** The same name with a number: `report (2).pdf`. */
export function numbered(name: string, number: number): string {
  const { stem, extension } = split(name);
  return `${stem} (${number})${extension}`;
}

/** Makes a name of it that is safe everywhere; empty if nothing is left. */
function safeName(candidate: string): string {
  const last = candidate.split(/[/\\]/).at(-1) ?? "";
  const clean = last
    .normalize("NFC")
    .replace(FORBIDDEN, "")
    .replace(/^[.\s]+|[.\s]+$/g, "");
  return shortened(RESERVED.test(clean) ? `_${clean}` : clean);
}

function shortened(name: string): string {
  if (Buffer.byteLength(name) <= LONGEST) return name;
  const { stem, extension } = split(name);
  const kept = Buffer.byteLength(extension) <= 20 ? extension : "";
  let text = "";
  for (const character of stem) {
    if (Buffer.byteLength(text + character + kept) > LONGEST) break;
    text += character;
  }
  return text + kept;
}

function split(name: string): { stem: string; extension: string } {
  const [, stem = name, extension = ""] = /^(.+?)((?:\.tar)?\.[^.]+)$/.exec(name) ?? [];
  return { stem, extension };
}

function lastPart({ pathname }: URL): string {
  return decoded(
    pathname
      .split("/")
      .filter((part) => part !== "")
      .at(-1) ?? "",
  );
}

/** The name of RFC 6266: `filename*` is better than `filename`. */
function dispositionName(header: string): string | null {
  const extended = /(?:^|;)\s*filename\*\s*=\s*([\w-]+)'[^']*'([^;\s]+)/i.exec(header);
  if (extended !== null) {
    const [, charset = "", text = ""] = extended;
    if (/^utf-?8$/i.test(charset)) return decoded(text);
    if (/^iso-8859-1$/i.test(charset))
      return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      );
  }
  const quoted = /(?:^|;)\s*filename\s*=\s*"((?:[^"\\]|\\.)*)"/i.exec(header);
  // A backslash escapes the next character; but some write Windows paths.
  if (quoted?.[1] !== undefined) return utf8(quoted[1].replace(/\\(["\\])/g, "$1"));
  const token = /(?:^|;)\s*filename\s*=\s*([^";\s]+)/i.exec(header);
  return token?.[1] === undefined ? null : utf8(token[1]);
}

/** Headers come as Latin-1; many servers mean UTF-8. */
function utf8(text: string): string {
  const bytes = Buffer.from(text, "latin1");
  const read = bytes.toString("utf8");
  return read.includes("\ufffd") ? text : read;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
