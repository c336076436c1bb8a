export {
  type CancelAnywhereOptions,
  type CancelAnywhereResult,
  type CancelAnywhereRun,
  type CancelTargets,
  cancelAnywhere,
} from "./cancel-anywhere.ts";
export { type ExploreOptions, type ExploreResult, explore } from "./explore.ts";
export type { TrialOptions, TrialProgram } from "./plan.ts";
export { Random } from "./random.ts";
export { runVirtual } from "./run-virtual.ts";
export { Sequencer, SequencerStep } from "./sequencer.ts";
export { type Invariant, Trial, type TrialOutcome, type Watchable } from "./trial.ts";
export { TrialError } from "./trial-error.ts";
export { VirtualClock } from "./virtual-clock.ts";
export { waitAllTasksBlocked } from "./wait-all-tasks-blocked.ts";
