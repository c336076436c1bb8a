export { runVirtual } from "./run-virtual.ts";
export { VirtualClock } from "./virtual-clock.ts";
