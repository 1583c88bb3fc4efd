import { describe, expect, test } from 'vitest';
import { clientAddress } from './client-address.js';

const addressOf = (
  remoteAddress: string | undefined,
  forwarded: string | undefined,
  trusted: number,
) =>
  clientAddress({ headers: { 'x-forwarded-for': forwarded }, socket: { remoteAddress } }, trusted);

describe('whom to believe', () => {
  test.each<[string, string | undefined, number, string]>([
    ['no proxy is trusted', '1.1.1.1', 0, '10.0.0.9'],
    ['one proxy says whom it heard from', '1.1.1.1', 1, '1.1.1.1'],
    ['a client that lies to one proxy', '6.6.6.6, 1.1.1.1', 1, '1.1.1.1'],
    ['two proxies', '6.6.6.6, 1.1.1.1,10.0.0.8', 2, '1.1.1.1'],
    ['fewer addresses than proxies', '1.1.1.1', 2, '10.0.0.9'],
    ['no header', undefined, 1, '10.0.0.9'],
    ['an empty one', '', 1, '10.0.0.9'],
    ['garbage', '1.1.1.1, unknown', 1, '10.0.0.9'],
    ['almost an address', '1.1.1.256', 1, '10.0.0.9'],
    ['a forged line break', '1.1.1.1\r\nx: y', 1, '10.0.0.9'],
  ])('%s', (_what, forwarded, trusted, address) => {
    expect(addressOf('10.0.0.9', forwarded, trusted)).toBe(address);
  });

  test('several header lines are one list', () => {
    const headers = { 'x-forwarded-for': ['6.6.6.6', '1.1.1.1, 2.2.2.2'] };
    expect(clientAddress({ headers, socket: {} }, 2)).toBe('1.1.1.1');
  });
});

describe('one spelling', () => {
  test.each([
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:0201', '192.0.2.1'],
    ['2001:DB8:0:0::0001', '2001:db8::1'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['192.0.2.1:5678', '192.0.2.1'],
    [' 192.0.2.1 ', '192.0.2.1'],
    ['fe80::1%eth0', 'fe80::1'],
  ])('%s is %s', (written, address) => {
    expect(addressOf('10.0.0.9', written, 1)).toBe(address);
  });

  test('of the other end of the connection too', () => {
    expect(addressOf('::ffff:10.0.0.9', undefined, 0)).toBe('10.0.0.9');
    expect(addressOf(undefined, undefined, 0)).toBe('');
  });
});
