/** Counts POST /v1/* since the last clear; a request stays in the tally it began in. */
export class Tally {
  requests = 0;
  completed = 0;
  aborted = 0;
  refused = 0;
  cut = 0;
  /** Every other request except the control API's. */
  probes = 0;
}

export interface Stats extends Readonly<Tally> {
  /** Holding a slot now; never above `slots`, unless that was lowered. */
  readonly inFlight: number;
  readonly maxInFlight: number;
  /** Waiting for a slot now. */
  readonly queued: number;
  readonly maxQueued: number;
  /** POST /v1/* held by the `hang` fault now; they hold no slot. */
  readonly hanging: number;
}
