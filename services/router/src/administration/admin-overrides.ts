import type { AdminOverride, AdminState } from '../backends/backend.js';

/** `null` gives the weight back to the file. */
export interface AdminChange {
  state?: AdminState | undefined;
  weight?: number | null | undefined;
}

export interface AdminStatus {
  /** `own`: of this router, until it stops; `shared`: of all routers, and kept. */
  kind: 'own' | 'shared';
  /** `local`: Redis is away, changes are of this router until it is back. */
  state: 'own' | 'shared' | 'local';
}

/** What operators have said of backends at run time, over what the file says. */
export interface AdminOverrides {
  /** Of a backend by its id ("pool/name"). */
  of(backendId: string): AdminOverride;
  /** In force at once at this router. Resolves when the others can know it, or never rejects without them. */
  change(backendId: string, change: AdminChange): Promise<void>;
  readonly status: AdminStatus;
  close(): Promise<void>;
}
