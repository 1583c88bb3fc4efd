import type { IncomingMessage } from 'node:http';
import type { Outcome } from '../proxy/backend-response.js';
import type { RequestRecord } from '../proxy/request-record.js';

/** One request as others see it who follow it through several services. */
export interface RequestTrace {
  /** Of the trace, for the log; undefined without tracing. */
  readonly id: string | undefined;
  /** Sent on, so that what a backend does becomes a part of the trace. */
  readonly headers: Readonly<Record<string, string>>;
  /** An attempt whose first byte, or failure, came just now. */
  attempted(outcome: Outcome): void;
  finish(record: RequestRecord): void;
}

export interface Telemetry {
  trace(request: IncomingMessage): RequestTrace;
  /** Sends what is left. */
  close(): Promise<void>;
}

const untraced: RequestTrace = {
  id: undefined,
  headers: {},
  attempted: () => undefined,
  finish: () => undefined,
};

export const noTelemetry: Telemetry = { trace: () => untraced, close: async () => undefined };
