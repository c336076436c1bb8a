/** What workerpool's workers run: each tells the library which functions it has. */
import workerpool from "workerpool";
import { double, primesBelow, total } from "../executor-work.ts";

workerpool.worker({ double, primesBelow, total });
