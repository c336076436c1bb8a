import { inspect } from "node:util";
import { interruptible } from "brio";
import { CookieJar } from "tough-cookie";
import type { HeaderRecord } from "./headers.ts";

/** The cookies of a client: what tough-cookie keeps, put into requests and taken from answers. */
export class Cookies {
  readonly jar: CookieJar;

  private constructor(jar: CookieJar) {
    this.jar = jar;
  }

  /** @throws TypeError if it is neither a boolean nor a jar. */
  static of(option: boolean | CookieJar | undefined): Cookies | null {
    if (option === undefined || option === false) return null;
    if (option === true) return new Cookies(new CookieJar());
    if (typeof option.getCookieString === "function") return new Cookies(option);
    throw new TypeError(`cookies must be true, false or a CookieJar of tough-cookie; got ${inspect(option)}`);
  }

  /** Adds the cookies for a URL to the headers, after those that the caller has written. */
  async attach(headers: HeaderRecord, url: string): Promise<void> {
    const kept = await interruptible(this.jar.getCookieString(url));
    if (kept === "") return;
    const { cookie } = headers;
    headers.cookie = cookie === undefined ? kept : `${String(cookie)}; ${kept}`;
  }

  /** Keeps what a server has set. What is no cookie, or not for it to set, is passed over. */
  async keep(setCookie: string | string[] | undefined, url: string): Promise<void> {
    if (setCookie === undefined) return;
    for (const cookie of Array.isArray(setCookie) ? setCookie : [setCookie])
      await interruptible(this.jar.setCookie(cookie, url, { ignoreError: true }));
  }
}
