/** A trained scoring, as bytes that only `classification/` reads. */
export interface StoredHead {
  /** Version of the exemplars it was trained on. */
  trainedOn: number;
  bytes: Uint8Array;
}

/** Of heads of the same exemplars the later one counts: it is of a newer format, or the same. */
export function replaces(head: StoredHead, before: StoredHead): boolean {
  if (head.trainedOn !== before.trainedOn) return head.trainedOn > before.trainedOn;
  return Buffer.compare(head.bytes, before.bytes) !== 0;
}
