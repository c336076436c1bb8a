export { RequestTimeoutError, ServiceUnavailableError } from "../server/errors.ts";
export type { EventsOptions, ServerEvent } from "../server/event-stream.ts";
export type { Lifespan } from "../server/lifespan.ts";
export type { RequestTasksOptions } from "../server/options.ts";
export { background, perRequest, type RequestFactory } from "../server/per-request.ts";
export type { RequestStatistics, RequestTasks } from "../server/request-tasks.ts";
export type { Pieces } from "../server/task-stream.ts";
export { type BrioOptions, type BrioRouteOptions, brio } from "./plugin.ts";
export { sendEvents, sendStream } from "./send.ts";
