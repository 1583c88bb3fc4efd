import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ModelField } from './model-field.js';

const set = (json: string, model: string | undefined) =>
  new ModelField(Buffer.from(json)).with(model).toString('utf8');

describe('replaced in place', () => {
  test.each([
    ['{"model":"auto"}', '{"model":"m"}'],
    ['{"model" : null , "a":1}', '{"model" : "m" , "a":1}'],
    ['{"a":1,\n  "model":\t"x"\r\n}', '{"a":1,\n  "model":\t"m"\r\n}'],
    ['{"model":1,"a":{"model":2},"model":3}', '{"model":"m","a":{"model":2},"model":"m"}'],
    ['{"mod\\u0065l":"x"}', '{"mod\\u0065l":"m"}'],
    [
      '{"a\\"model":"x","Model":1,"model ":2}',
      '{"model":"m","a\\"model":"x","Model":1,"model ":2}',
    ],
    ['  {"model":{"a":["}",",\\""]},"b":1}  ', '  {"model":"m","b":1}  '],
    ['{}', '{"model":"m"}'],
    ['\n{ }\n', '\n{"model":"m" }\n'],
    ['{ "n":1.0e5}', '{"model":"m", "n":1.0e5}'],
  ])('%s', (before, after) => {
    expect(set(before, 'm')).toBe(after);
  });

  test('with any name, as JSON', () => {
    expect(set('{"model":1}', 'a"b\\\n\u2028é')).toBe('{"model":"a\\"b\\\\\\n\u2028é"}');
  });
});

describe('dropped', () => {
  test.each([
    ['{"model":"auto"}', '{}'],
    ['{"model":"auto" , "a":1}', '{"a":1}'],
    ['{"a":1 , "model":"auto"}', '{"a":1 }'],
    ['{ "a":1, "model":"x", "b":2 }', '{ "a":1, "b":2 }'],
    ['{"model":1,"a":"model","model":2}', '{"a":"model"}'],
    ['{"model":1,"model":2}', '{}'],
    ['{"a":",","model":2}', '{"a":","}'],
    ['{"a":1}', '{"a":1}'],
    [' { } ', ' { } '],
  ])('%s', (before, after) => {
    expect(set(before, undefined)).toBe(after);
  });
});

/** A member as text: the name that it means, and how it is written. */
interface Written {
  key: string;
  text: string;
}

const space = fc.stringMatching(/^[ \n\r\t]{0,3}$/);

/** JSON text that JSON.stringify would not give back: spacing, escapes, numbers beyond doubles. */
const scalar = fc.oneof(
  fc.constantFrom('null', 'true', '-0', '1e400', '12345678901234567890.10', '0.1e-7', '""'),
  fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
  fc.constantFrom('"\\u006dodel"', '"\\/}]{[,:\\"\\\\"', '"\ud83d\ude00"', '"\\ud800"'),
);

const escaped = (key: string) =>
  `"${[...key].map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`;

const key: fc.Arbitrary<Written> = fc.oneof(
  {
    arbitrary: fc
      .constantFrom('"model"', escaped('model'), '"mo\\u0064el"')
      .map((text) => ({ key: 'model', text })),
    weight: 2,
  },
  {
    arbitrary: fc
      .oneof(
        fc.constantFrom('Model', 'model ', 'models', '', '__proto__'),
        fc.string({ unit: 'grapheme' }),
      )
      .filter((name) => name !== 'model')
      .map((name) => ({ key: name, text: JSON.stringify(name) })),
    weight: 3,
  },
);

const spaced = (arbitrary: fc.Arbitrary<string>) =>
  fc.tuple(space, arbitrary, space).map((parts) => parts.join(''));

const { value } = fc.letrec<{ value: string; list: string; object: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    tie('list'),
    tie('object'),
  ),
  list: fc.array(spaced(tie('value')), { maxLength: 4 }).map((items) => `[${items.join(',')}]`),
  object: fc
    .array(fc.tuple(key, spaced(tie('value'))), { maxLength: 4 })
    .map((members) => `{${members.map(([{ text }, item]) => `${text}:${item}`).join(',')}}`),
}));

const member = fc.tuple(space, key, space, spaced(value)).map(([before, name, after, item]) => ({
  key: name.key,
  before: `${before}${name.text}${after}:`,
  value: item,
}));
const document = fc.record({
  members: fc.array(member, { maxLength: 6 }),
  around: fc.tuple(space, space, space),
});

const written = (
  members: readonly { before: string; value: string }[],
  [before, within, after]: readonly string[],
) =>
  `${before}{${members.length === 0 ? within : members.map((part) => part.before + part.value).join(',')}}${after}`;

const isModel = ({ key: name }: { key: string }) => name === 'model';

describe('for any JSON object', () => {
  test('with(m) means the same but for the model, and changes no other byte', () => {
    fc.assert(
      fc.property(document, fc.string(), ({ members, around }, model) => {
        const before = written(members, around);
        const after = set(before, model);
        const meant: unknown = JSON.parse(before);
        expect(JSON.parse(after)).toEqual({ ...(meant as object), model });
        if (!members.some(isModel)) {
          const brace = before.indexOf('{') + 1;
          const own = `"model":${JSON.stringify(model)}${members.length > 0 ? ',' : ''}`;
          expect(after).toBe(before.slice(0, brace) + own + before.slice(brace));
          return;
        }
        const expected = members.map((part) =>
          isModel(part)
            ? {
                ...part,
                value: part.value.replace(
                  /^([ \n\r\t]*)[\s\S]*?([ \n\r\t]*)$/,
                  (_all, head, tail) => `${head}${JSON.stringify(model)}${tail}`,
                ),
              }
            : part,
        );
        expect(after).toBe(written(expected, around));
      }),
      { numRuns: 500 },
    );
  });

  test('without one, the others are left as they are', () => {
    fc.assert(
      fc.property(document, ({ members, around }) => {
        const before = written(members, around);
        const after = set(before, undefined);
        const { model: _dropped, ...rest } = JSON.parse(before) as Record<string, unknown>;
        expect(JSON.parse(after)).toEqual(rest);
        // White space beside a member that went may go with it; nothing else does.
        const tight = (text: string) => text.replace(/[ \n\r\t]+/g, '');
        const kept = members.filter((part) => !isModel(part));
        expect(tight(after)).toBe(tight(written(kept, around)));
        if (kept.length === members.length) expect(after).toBe(before);
      }),
      { numRuns: 500 },
    );
  });
});

describe('takes time in proportion to the body', () => {
  const huge = 5 * 1024 * 1024;

  test.each<[string, string]>([
    ['one long text', `{"a":"${'x'.repeat(huge)}","model":"auto"}`],
    ['nothing but quotes', `{"a":"${'\\"'.repeat(huge / 2)}","model":"auto"}`],
    ['nothing but backslashes', `{"a":"${'\\\\'.repeat(huge / 2)}","model":"auto"}`],
    ['deep nesting', `{"a":${'['.repeat(huge / 2)}${']'.repeat(huge / 2)},"model":"auto"}`],
    ['many members', `{${'"k":0,'.repeat(huge / 6)}"model":"auto"}`],
    ['many models', `{${'"model":0,'.repeat(huge / 10)}"model":"auto"}`],
    ['much white space', `{"a":1${' '.repeat(huge)},"model":"auto"${' '.repeat(huge)}}`],
    ['a long key', `{"${'\\u006d'.repeat(huge / 6)}":1,"model":"auto"}`],
  ])(
    '%s',
    (_what, json) => {
      const body = Buffer.from(json);
      const field = new ModelField(body);
      const replaced = field.with('m').toString('utf8');
      expect(replaced).toContain('"model":"m"');
      expect(field.with(undefined).length).toBeLessThan(body.length);
    },
    5_000,
  );
});
