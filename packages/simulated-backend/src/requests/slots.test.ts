import { describe, expect, it } from 'vitest';
import { Slots } from './slots.js';

function queueNamed(slots: Slots, granted: string[], ...names: string[]): (() => void)[] {
  return names.map((name) => slots.queue(() => granted.push(name)));
}

describe('Slots', () => {
  it('grants freed places in the order of queueing', () => {
    const slots = new Slots(1);
    const granted: string[] = [];
    expect(slots.tryTake()).toBe(true);
    expect(slots.tryTake()).toBe(false);
    queueNamed(slots, granted, 'a', 'b', 'c');
    slots.give();
    expect(granted).toEqual(['a']);
    slots.give();
    slots.give();
    expect(granted).toEqual(['a', 'b', 'c']);
    expect(slots).toMatchObject({ used: 1, waiting: 0, maxUsed: 1, maxWaiting: 3 });
  });

  it('passes over a waiter that left', () => {
    const slots = new Slots(1);
    const granted: string[] = [];
    slots.tryTake();
    const [leave] = queueNamed(slots, granted, 'a', 'b');
    leave?.();
    slots.give();
    expect(granted).toEqual(['b']);
  });

  it('admits waiters when the limit grows and drains when it shrinks', () => {
    const slots = new Slots(1);
    const granted: string[] = [];
    slots.tryTake();
    queueNamed(slots, granted, 'a', 'b', 'c');
    slots.resize(3);
    expect(granted).toEqual(['a', 'b']);
    slots.resize(1);
    slots.give();
    slots.give();
    expect(granted).toEqual(['a', 'b']);
    slots.give();
    expect(granted).toEqual(['a', 'b', 'c']);
  });
});
