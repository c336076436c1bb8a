export {
  type CallGraphOptions,
  captureCallGraph,
  type FutureCallGraph,
  formatCallGraph,
  printCallGraph,
} from "./call-graph.ts";
export { describeTask, type TaskDescription, type TaskState, type WaitDescription } from "./describe.ts";
export { formatTaskTree, type TaskNode, taskTree } from "./tree.ts";
