/** The model whose vectors a store works with. */
export interface VectorModel {
  modelDigest: string;
  /**
   * For exemplars that were stored with vectors of other models only; without it they are left out.
   * What it gives is stored.
   */
  embed?: ((text: string) => Promise<Float32Array>) | undefined;
}

/** A model whose vectors are there as well. */
export interface EarlierModel {
  modelDigest: string;
  /** Where it was found, then. */
  origin: string | undefined;
}

/** More at once would only wait for each other, in front of others. */
const AT_ONCE = 4;

/** Texts by id -> vectors by id. */
export async function embedAll(
  texts: ReadonlyMap<string, string>,
  embed: (text: string) => Promise<Float32Array>,
): Promise<Map<string, Float32Array>> {
  const vectors = new Map<string, Float32Array>();
  const rest = texts.entries();
  const workOff = async () => {
    for (const [id, text] of rest) vectors.set(id, await embed(text));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, workOff));
  return vectors;
}
