import { channel } from "node:diagnostics_channel";
import process from "node:process";

/** What an {@link HttpEvent} tells of. */
interface Place {
  /** The same for all events of one call: for putting them together. */
  readonly id: number;
  readonly method: string;
  /** Without credentials. */
  readonly url: string;
  readonly attempt: number;
}

/**
 * What happens in a client, for logs, traces and metrics.
 *
 * `request`: about to be sent; whatever is put into `headers` goes along (`traceparent`). `response`: the head has come.
 * `redirect` and `retry`: another request follows. `error`: the call failed with it. `end`: the body has ended, or was given
 * up; `complete` says which.
 */
export type HttpEvent =
  | (Place & { readonly type: "request"; readonly headers: Record<string, string | string[]> })
  | (Place & { readonly type: "response"; readonly status: number; readonly duration: number })
  | (Place & { readonly type: "redirect"; readonly status: number; readonly location: string })
  | (Place & {
      readonly type: "retry";
      /** Milliseconds until the next attempt. */
      readonly pause: number;
      readonly status: number | null;
      readonly error: unknown;
    })
  | (Place & { readonly type: "error"; readonly error: unknown })
  | (Place & { readonly type: "end"; readonly bytes: number; readonly complete: boolean });

/** Told of what happens. What it throws is nobody's to catch: an uncaught exception, as of an event listener. */
export type HttpListener = (event: HttpEvent) => void;

/** For `node:diagnostics_channel`: each event is published on `brio:http:<type>`. */
const CHANNELS = {
  request: channel("brio:http:request"),
  response: channel("brio:http:response"),
  redirect: channel("brio:http:redirect"),
  retry: channel("brio:http:retry"),
  error: channel("brio:http:error"),
  end: channel("brio:http:end"),
} as const;

/** Does anybody want to know? Then an event is worth being made. */
export function observed(type: HttpEvent["type"], listener: HttpListener | null): boolean {
  return listener !== null || CHANNELS[type].hasSubscribers;
}

export function announce(event: HttpEvent, listener: HttpListener | null): void {
  CHANNELS[event.type].publish(event);
  try {
    listener?.(event);
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}
