import { describe, expect, test } from 'vitest';
import {
  answering,
  classification,
  ScriptedClassifier,
} from '../test-support/scripted-classifier.js';
import { ClassifierClient } from './classifier-client.js';
import { ClassifierReplicas } from './classifier-replicas.js';

const ipv4 = (...addresses: string[]) => addresses.map((address) => ({ address, family: 4 }));

describe('the order', () => {
  const order = async (replicas: ClassifierReplicas) =>
    (await replicas.inTurn()).map(({ address }) => address);

  test('each is first in turn; one that failed is last for a while', async () => {
    let now = 0;
    const lookup = async () => ipv4('10.0.0.2', '10.0.0.1', '10.0.0.3');
    const replicas = new ClassifierReplicas('http://classifier:9001', lookup, () => now);
    expect(await order(replicas)).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3']);
    expect(await order(replicas)).toEqual(['10.0.0.2', '10.0.0.3', '10.0.0.1']);
    const [third] = await replicas.inTurn();
    third?.failed();
    for (let n = 0; n < 6; n++) expect((await order(replicas)).at(-1)).toBe('10.0.0.3');
    now = 2001;
    const firsts = [];
    for (let n = 0; n < 3; n++) firsts.push((await order(replicas))[0]);
    expect(firsts.sort()).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3']);
    await replicas.close();
  });

  test('a name is looked up again after a second; what it stood for serves when that fails', async () => {
    let now = 0;
    let found: () => ReturnType<typeof ipv4> = () => ipv4('10.0.0.1');
    let lookups = 0;
    const lookup = async () => {
      lookups++;
      return found();
    };
    const replicas = new ClassifierReplicas('http://classifier:9001', lookup, () => now);
    await order(replicas);
    await order(replicas);
    expect(lookups).toBe(1);
    found = () => ipv4('10.0.0.1', '10.0.0.2');
    now = 1001;
    await order(replicas);
    expect((await order(replicas)).sort()).toEqual(['10.0.0.1', '10.0.0.2']);
    found = () => {
      throw new Error('ENOTFOUND');
    };
    now = 2002;
    await order(replicas);
    expect((await order(replicas)).sort()).toEqual(['10.0.0.1', '10.0.0.2']);
    found = () => ipv4('10.0.0.2');
    await order(replicas);
    expect(await order(replicas)).toEqual(['10.0.0.2']);
    await replicas.close();
  });

  test('a name that stands for nothing is an error', async () => {
    const lookup = async () => {
      throw new Error('ENOTFOUND');
    };
    const replicas = new ClassifierReplicas('http://classifier:9001', lookup);
    await expect(replicas.inTurn()).rejects.toThrow('ENOTFOUND');
  });
});

describe('a client of several', () => {
  /** Two classifiers on one port of 127.0.0.1 and 127.0.0.2. */
  async function pair() {
    const one = await ScriptedClassifier.start();
    const two = await ScriptedClassifier.start({ host: '127.0.0.2', port: one.port });
    const lookup = async () => ipv4('127.0.0.1', '127.0.0.2');
    const client = new ClassifierClient(`http://classifier:${one.port}`, 1000, lookup);
    return {
      one,
      two,
      client,
      async [Symbol.asyncDispose]() {
        await client.close();
        await one[Symbol.asyncDispose]();
        await two[Symbol.asyncDispose]();
      },
    };
  }

  test('shares its prompts among them', async () => {
    await using set = await pair();
    for (let n = 0; n < 10; n++) await set.client.classify(`prompt ${n}`);
    expect(set.one.asked).toHaveLength(5);
    expect(set.two.asked).toHaveLength(5);
  });

  test.each<[string, ScriptedClassifier['answer'] | undefined]>([
    ['refuses connections', undefined],
    ['hangs', () => {}],
    ['fails', (_prompt, response) => void response.writeHead(503).end()],
    ['hangs up', (_prompt, response) => void response.socket?.destroy()],
  ])('is answered by the other when one %s', async (_what, answer) => {
    await using set = await pair();
    if (answer) set.one.answer = answer;
    else await set.one.stop();
    for (let n = 0; n < 6; n++)
      expect(await set.client.classify('x')).toEqual(classification('intent of x'));
    expect(set.client.breaker).toBe('closed');
    // It is left alone once that is known.
    expect(set.one.asked.length).toBeLessThanOrEqual(1);
    set.two.answer = answering(set.two, 'the other');
    expect((await set.client.classify('y')).intent).toBe('the other');
  });
});
