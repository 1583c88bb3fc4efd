import { ipHash } from './ip-hash.js';
import { leastConnections } from './least-connections.js';
import { leastLatency } from './least-latency.js';
import type { Policy } from './policy.js';
import { powerOfTwo } from './power-of-two.js';
import { weightedRandom } from './random.js';
import { roundRobin } from './round-robin.js';
import { weighted } from './weighted.js';

const policies = {
  'round-robin': roundRobin,
  weighted,
  'least-connections': leastConnections,
  'ip-hash': ipHash,
  random: weightedRandom,
  'power-of-two': powerOfTwo,
  'least-latency': leastLatency,
} satisfies Record<string, Policy>;

export type PolicyName = keyof typeof policies;

export const policyNames = Object.keys(policies) as [PolicyName, ...PolicyName[]];

export const policyNamed = (name: PolicyName): Policy => policies[name];
