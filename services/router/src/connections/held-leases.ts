/** The leases that this router holds, by backend. */
export class HeldLeases {
  readonly #ids = new Map<string, Set<string>>();

  add(backendId: string, id: string): void {
    const ids = this.#ids.get(backendId) ?? new Set();
    this.#ids.set(backendId, ids.add(id));
  }

  /** False when it was not held any more. */
  remove(backendId: string, id: string): boolean {
    return this.#ids.get(backendId)?.delete(id) ?? false;
  }

  count(backendId: string): number {
    return this.#ids.get(backendId)?.size ?? 0;
  }

  of(backendId: string): string[] {
    return [...(this.#ids.get(backendId) ?? [])];
  }
}
