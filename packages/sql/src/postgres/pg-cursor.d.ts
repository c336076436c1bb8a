/** What of pg-cursor is used: it has no declarations of its own. */
declare module "pg-cursor" {
  import type { Submittable } from "pg";

  class Cursor implements Submittable {
    constructor(text: string, values: readonly unknown[], options: { types: object });
    submit: Submittable["submit"];
    read(count: number): Promise<unknown[]>;
    close(): Promise<void>;
  }
  export default Cursor;
}
