import type { Task } from "../tasks/task.ts";
import { Attempt, type Plan, type Point, type Strike, type Target, type TrialOptions, type TrialProgram } from "./attempt.ts";
import { TrialError } from "./trial-error.ts";
