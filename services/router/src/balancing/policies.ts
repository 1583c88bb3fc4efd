import { leastConnections } from './least-connections.js';
import type { Policy } from './policy.js';
import { roundRobin } from './round-robin.js';
import { weighted } from './weighted.js';

const policies = {
  'round-robin': roundRobin,
  weighted,
  'least-connections': leastConnections,
} satisfies Record<string, Policy>;

export type PolicyName = keyof typeof policies;

export const policyNames = Object.keys(policies) as [PolicyName, ...PolicyName[]];

export const policyNamed = (name: PolicyName): Policy => policies[name];
