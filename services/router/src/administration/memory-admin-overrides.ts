import type { AdminOverride } from '../backends/backend.js';
import type { AdminChange, AdminOverrides, AdminStatus } from './admin-overrides.js';
import { overrideOf, textsOf } from './override-table.js';

/** Of this router alone, until it stops. */
export class MemoryAdminOverrides implements AdminOverrides {
  readonly status: AdminStatus = { kind: 'own', state: 'own' };
  readonly #texts = new Map<string, string>();

  /** `onChange` is called after every change. */
  constructor(private readonly onChange: () => void) {}

  of(backendId: string): AdminOverride {
    return overrideOf(backendId, this.#texts);
  }

  async change(backendId: string, change: AdminChange): Promise<void> {
    for (const [field, text] of Object.entries(textsOf(backendId, change)))
      this.#texts.set(field, text);
    this.onChange();
  }

  async close(): Promise<void> {}
}
