import { HttpError } from '@switchyard/service-kit';
import { describe, expect, test } from 'vitest';
import { BackendRegistry } from '../backends/backend-registry.js';
import { classification } from '../test-support/scripted-classifier.js';
import { fleetOf } from '../test-support/test-router.js';
import { ClassifierUnavailable } from './classifier-client.js';
import type { Classified } from './intent-source.js';
import { PoolChooser, type Question } from './pool-chooser.js';

const yaml = `
pools:
  code: { backends: [{ name: a, url: "http://h", model: coder }, { name: b, url: "http://h" }] }
  chat: { backends: [{ name: a, url: "http://h", model: talker }] }
  both: { backends: [{ name: a, url: "http://h", model: coder }] }
  vectors: { backends: [{ name: a, url: "http://h", model: minilm }] }
routes: { code generation: code, constructor: both }
keywords:
  - { pattern: python, intent: code generation }
  - { maxWords: 2, intent: unrouted }
default: chat
`;

type Verdict = string | null | Error;

/** A chooser whose classifier knows these prompts; it refuses to be asked any other. */
function choosing(verdicts: Record<string, Verdict> = {}, extra = '') {
  const asked: string[] = [];
  const fleet = fleetOf(yaml + extra);
  const chooser = new PoolChooser(fleet, new BackendRegistry(fleet), {
    async classify(text): Promise<Classified> {
      asked.push(text);
      const verdict = verdicts[text];
      if (verdict === undefined) throw new Error(`was asked about "${text}"`);
      if (verdict instanceof Error) throw verdict;
      return { classification: classification(verdict), source: 'classifier' };
    },
  });
  const choose = (question: Partial<Question>) =>
    chooser.choose({ model: undefined, turns: [], kind: 'prompt', ...question });
  return { choose, asked };
}

const down = new ClassifierUnavailable('is down (breaker open)');

describe('a model asked for', () => {
  test.each<[string, Partial<Question>, object]>([
    ['a pool', { model: 'pool:code' }, { pool: 'code' }],
    ['a model of one pool', { model: 'talker' }, { pool: 'chat', otherPools: [], model: 'talker' }],
    [
      'a model of several',
      { model: 'coder' },
      { pool: 'code', otherPools: ['both'], model: 'coder' },
    ],
    ['an embeddings model', { model: 'minilm', kind: 'embeddings' }, { pool: 'vectors' }],
    ['a model on another endpoint', { model: 'talker', kind: 'other' }, { pool: 'chat' }],
  ])('%s', async (_what, question, decision) => {
    const { choose, asked } = choosing();
    expect(await choose({ turns: ['x'], ...question })).toMatchObject({
      source: 'explicit',
      classifyMs: 0,
      ...decision,
    });
    expect(asked).toEqual([]);
  });

  test.each([
    'nope',
    '',
    'pool:',
    'pool:nope',
    'pool:constructor',
    '__proto__',
    'Auto',
    'pool:pool:code',
  ])('"%s" is not found', async (model) => {
    const error: unknown = await choosing()
      .choose({ model })
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(HttpError);
    expect(error).toMatchObject({ status: 404, code: 'model_not_found', param: 'model' });
    expect((error as HttpError).message).toContain('coder, talker, minilm');
  });
});

describe('by what the prompt means', () => {
  test.each<[string, string[], Record<string, Verdict>, object, string[]]>([
    [
      'an intent with a route',
      ['sort'],
      { sort: 'code generation' },
      { pool: 'code', source: 'classifier', intent: 'code generation', confidence: 0.9 },
      ['sort'],
    ],
    [
      'an intent without one',
      ['hm'],
      { hm: 'gardening' },
      { pool: 'chat', source: 'default', intent: 'gardening', confidence: 0.9 },
      ['hm'],
    ],
    [
      'an intent named as a member of Object',
      ['x'],
      { x: 'constructor' },
      { pool: 'both', source: 'classifier', intent: 'constructor' },
      ['x'],
    ],
    [
      'an intent named as another one, without a route',
      ['x'],
      { x: 'toString' },
      { pool: 'chat', source: 'default', intent: 'toString' },
      ['x'],
    ],
    [
      'no intent, but a keyword',
      ['about python'],
      { 'about python': null },
      { pool: 'code', source: 'keyword', intent: 'code generation', confidence: undefined },
      ['about python'],
    ],
    [
      'no intent, and a keyword rule without a route',
      ['well then'],
      { 'well then': null },
      { pool: 'chat', source: 'default', intent: 'unrouted' },
      ['well then'],
    ],
    [
      'no intent and no keyword',
      ['and so it goes'],
      { 'and so it goes': null },
      { pool: 'chat', source: 'default', intent: undefined },
      ['and so it goes'],
    ],
    [
      'a follow-up keeps the intent of the turn before',
      ['thanks', 'sort'],
      { thanks: null, sort: 'code generation' },
      { pool: 'code', source: 'classifier', intent: 'code generation' },
      ['thanks', 'sort'],
    ],
    [
      'a follow-up keeps the newest one',
      ['thanks', 'ok', 'hm', 'sort'],
      { thanks: null, ok: null, hm: 'gardening' },
      { pool: 'chat', source: 'default', intent: 'gardening' },
      ['thanks', 'ok', 'hm'],
    ],
    [
      'a turn with an intent of its own needs no history',
      ['hm', 'sort'],
      { hm: 'gardening' },
      { intent: 'gardening' },
      ['hm'],
    ],
    [
      'keywords look at the newest turn only',
      ['and so it goes', 'python'],
      { 'and so it goes': null, python: null },
      { pool: 'chat', source: 'default', intent: undefined },
      ['and so it goes', 'python'],
    ],
    [
      'only the newest eight turns',
      Array.from({ length: 20 }, (_, turn) => `so be it ${turn}`),
      Object.fromEntries(Array.from({ length: 8 }, (_, turn) => [`so be it ${turn}`, null])),
      { pool: 'chat', source: 'default' },
      Array.from({ length: 8 }, (_, turn) => `so be it ${turn}`),
    ],
    [
      'wrappers are stripped, and turns that are nothing else skipped',
      ['<system-reminder>python</system-reminder>', ' sort '],
      { sort: 'code generation' },
      { pool: 'code', source: 'classifier' },
      ['sort'],
    ],
    [
      'no human text',
      [],
      {},
      { pool: 'chat', source: 'default', reason: expect.stringContaining('no text') },
      [],
    ],
  ])('%s', async (_what, turns, verdicts, decision, expectedAsked) => {
    const { choose, asked } = choosing(verdicts, 'classification: { timeoutMs: 60000 }\n');
    for (const model of [undefined, 'auto']) {
      asked.length = 0;
      const found = await choose({ model, turns });
      const { intent, confidence } = found;
      expect({ ...found, intent, confidence }).toMatchObject(decision);
      expect(asked).toEqual(expectedAsked);
    }
  });
});

describe('without the classifier', () => {
  test.each<[string, string[], Record<string, Verdict>, object]>([
    [
      'keywords decide',
      ['python'],
      { python: down },
      { pool: 'code', source: 'keyword', intent: 'code generation' },
    ],
    [
      'else the default',
      ['and so it goes'],
      { 'and so it goes': down },
      { pool: 'chat', source: 'default' },
    ],
    [
      'that fails in the middle of a history',
      ['python too', 'x'],
      { 'python too': null, x: down },
      { pool: 'code', source: 'keyword' },
    ],
  ])('%s', async (_what, turns, verdicts, decision) => {
    const { choose } = choosing(verdicts);
    const found = await choose({ turns });
    expect(found).toMatchObject(decision);
    expect(found).not.toHaveProperty('confidence');
    expect(found.reason).toContain('the classifier is down (breaker open)');
  });

  test('an error of our own is not taken for its absence', async () => {
    await expect(choosing({ x: new TypeError('a bug') }).choose({ turns: ['x'] })).rejects.toThrow(
      'a bug',
    );
  });
});

describe('what is not classified', () => {
  test.each<[string, Partial<Question>, string, string]>([
    ['embeddings', { kind: 'embeddings' }, '', 'chat'],
    [
      'embeddings, with a pool for them',
      { kind: 'embeddings' },
      'embeddings: vectors\n',
      'vectors',
    ],
    [
      'embeddings that ask for "auto"',
      { kind: 'embeddings', model: 'auto' },
      'embeddings: vectors\n',
      'vectors',
    ],
    ['another endpoint', { kind: 'other' }, 'embeddings: vectors\n', 'chat'],
  ])('%s', async (_what, question, extra, pool) => {
    const { choose, asked } = choosing({}, extra);
    expect(await choose({ turns: ['python'], ...question })).toMatchObject({
      pool,
      source: 'default',
      classifyMs: 0,
    });
    expect(asked).toEqual([]);
  });
});
