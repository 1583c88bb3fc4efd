import { describe, expect, test } from 'vitest';
import { createManifest, type Manifest, PREPARATION_FORMAT, parseManifest } from './manifest.js';
import { sha256 } from './model-identity.js';
import type { ModelSource } from './model-source.js';

const source: ModelSource = {
  weights: Buffer.from('weights'),
  config: {},
  tokenizer: {},
  dimensions: 384,
  maxTokens: 256,
};
const contents = new Map(
  ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'onnx/model_quantized.onnx'].map(
    (path) => [path, Buffer.from(`content of ${path}`)] as const,
  ),
);
const manifest = createManifest(source, contents);
const parse = (value: unknown) => parseManifest(JSON.stringify(value));

test('a manifest names every file, the weights and the identity', () => {
  expect(parse(manifest)).toEqual(manifest);
  expect(manifest.source.weightsSha256).toBe(sha256('weights'));
  expect(Object.keys(manifest.files).sort()).toEqual([...contents.keys()].sort());
  expect(manifest.files['config.json']).toEqual({
    bytes: 22,
    sha256: sha256('content of config.json'),
  });
});

describe('the digest', () => {
  const digestWith = (path: string) =>
    createManifest(source, new Map([...contents, [path, Buffer.from('other')]])).digest;

  test.each(['onnx/model_quantized.onnx', 'tokenizer.json', 'tokenizer_config.json'])(
    'depends on %s',
    (path) => {
      expect(digestWith(path)).not.toBe(manifest.digest);
    },
  );

  test('does not depend on config.json, which decides no vector', () => {
    expect(digestWith('config.json')).toBe(manifest.digest);
  });
});

const otherHash = sha256('other');
const withFile = (file: object): unknown => ({
  ...manifest,
  files: { ...manifest.files, 'tokenizer.json': file },
});
const tokenizer: Manifest['files']['tokenizer.json'] = manifest.files['tokenizer.json'];

describe('an altered manifest is no manifest', () => {
  test.each<[string, unknown, string]>([
    ['another digest', { ...manifest, digest: otherHash }, 'has a digest that is not'],
    ['another hash', withFile({ ...tokenizer, sha256: otherHash }), 'has a digest that is not'],
    ['no hash', withFile({ bytes: 1 }), 'is not valid at "files.tokenizer.json.sha256"'],
    ['an extra key', { ...manifest, extra: 1 }, 'is not valid'],
    ['an extra file', { ...manifest, files: { ...manifest.files, x: tokenizer } }, 'not valid'],
    ['a list', [], 'is not valid'],
    [
      'a later format',
      { preparationFormat: PREPARATION_FORMAT + 1 },
      `is of format ${PREPARATION_FORMAT + 1}, not ${PREPARATION_FORMAT}`,
    ],
  ])('%s', (_, value, problem) => {
    expect(parse(value)).toEqual({ problem: expect.stringContaining(problem) });
  });

  test('truncated text', () => {
    const text = JSON.stringify(manifest).slice(0, -1);
    expect(parseManifest(text)).toEqual({ problem: 'is not JSON' });
  });
});
