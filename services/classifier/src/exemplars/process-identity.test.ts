import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isRunning, thisProcess } from './process-identity.js';

const hasProc = existsSync('/proc/self/stat');

test('a process that ended does not run, whichever way it is named', async () => {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  const pid = child.pid ?? 0;
  expect(isRunning({ pid, startTime: null })).toBe(false);
  expect(isRunning({ pid, startTime: '1' })).toBe(false);
});

test('where processes have a start time, an id given out again is not its former owner', () => {
  const me = thisProcess();
  expect(isRunning(me)).toBe(hasProc);
  if (hasProc) expect(isRunning({ ...me, startTime: `${me.startTime}0` })).toBe(false);
});

test('where they have none, a living process counts, and an id equal to ours is of an earlier life', () => {
  expect(isRunning({ pid: process.ppid, startTime: null })).toBe(true);
  expect(isRunning({ pid: process.pid, startTime: null })).toBe(false);
});
