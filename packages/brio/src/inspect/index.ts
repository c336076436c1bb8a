export { describeTask, type TaskDescription, type WaitDescription } from "./describe.ts";
