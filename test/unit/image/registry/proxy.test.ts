import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxyFor } from '../../../../src/image/registry/proxy.js';

const PROXY = 'http://proxy:3128';

function proxyOf(address: string, env: Record<string, string>): string | undefined {
  return proxyFor(new URL(address), env);
}

test('the proxy is HTTPS_PROXY, else ALL_PROXY; lower case takes precedence', () => {
  assert.equal(proxyOf('https://a.example/v2/', {}), undefined);
  assert.equal(proxyOf('https://a.example/v2/', { HTTPS_PROXY: PROXY, ALL_PROXY: 'http://other' }), PROXY);
  assert.equal(proxyOf('https://a.example/v2/', { all_proxy: PROXY }), PROXY);
  assert.equal(proxyOf('https://a.example/v2/', { https_proxy: PROXY, HTTPS_PROXY: 'http://other' }), PROXY);
  assert.equal(proxyOf('https://a.example/v2/', { HTTPS_PROXY: 'proxy:3128' }), 'http://proxy:3128');
  assert.throws(() => proxyOf('https://a.example/', { HTTPS_PROXY: 'socks5://proxy' }), /not the address/);
});

test('NO_PROXY excepts hosts', () => {
  const cases: [noProxy: string, excepted: string[], others: string[]][] = [
    ['*', ['a.example'], []],
    [
      'a.example, b.example:5000',
      ['a.example', 'x.a.example', 'b.example:5000', 'x.b.example:5000'],
      ['other-a.example', 'b.example', 'example'],
    ],
    ['10.0.0.0/8,192.168.1.7', ['10.2.3.4', '10.2.3.4:5000', '192.168.1.7'], ['11.2.3.4', '192.168.1.8']],
    ['fd00::/8', ['[fd00::1]:5000'], ['[fe00::1]', '253.0.0.1']],
    ['10.0.0.0/99, 10.0.0.0/x, /, :, [', [], ['10.0.0.1', 'a.example']],
    ['.example', ['a.example', 'b.a.example:99'], ['example']],
    ['*.a.example', ['x.a.example'], ['a.example']],
    ['A.EXAMPLE:443', ['a.example'], ['a.example:444']],
    ['[::2]', ['[::2]:5000'], ['[::3]']],
    ['', [], ['a.example']],
  ];
  for (const [no_proxy, excepted, others] of cases) {
    const of = (host: string) => proxyOf(`https://${host}/`, { HTTPS_PROXY: PROXY, no_proxy });
    for (const host of excepted) assert.equal(of(host), undefined, `${no_proxy}: ${host}`);
    for (const host of others) assert.equal(of(host), PROXY, `${no_proxy}: ${host}`);
  }
});
