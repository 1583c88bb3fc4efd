import { z } from 'zod';

const Alpha = z
  .number({ error: 'must be a number' })
  .min(0, 'must be from 0 to 1')
  .max(1, 'must be from 0 to 1');

/** Settings of the whole classifier. */
export const Settings = z.object({
  /** Share of in-scope prompts that one accepts to lose to the rejection of foreign ones. */
  alpha: Alpha.default(0.05),
});
export type Settings = z.infer<typeof Settings>;

export const PutSettingsRequest = z.strictObject({ alpha: Alpha.optional() });
export type PutSettingsRequest = z.infer<typeof PutSettingsRequest>;
