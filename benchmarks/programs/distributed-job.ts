/** The function of the brio program, by which its worker finds it. */
import { reference } from "brio/threads";
import { double } from "./jobs.ts";

export const doubled = reference(import.meta.url, "doubled", double);
