import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostStepFailure, stepFailure } from '../../../src/launch/failure.js';
import { attachInterface } from '../../../src/plan/network.js';
import { errnoNumber } from '../../../src/sys/errno.js';

test('a kernel without veth(4) is named, and what to do about it', () => {
  const [link] = attachInterface({
    ...{ network: 'shop', name: 'eth0', inside: 2, device: 'v16', index: 16, mtu: 1500 },
    mac: Buffer.alloc(6),
    addresses: [],
  });
  assert.ok(link);
  const { message, advice } = hostStepFailure(
    link,
    { errno: errnoNumber('EOPNOTSUPP'), detail: -1 },
    undefined,
  );
  assert.match(
    message,
    /^cannot connect the container to the network shop: operation not supported \(ENOTSUP\) from ip link /,
  );
  assert.equal(advice, 'the kernel has no veth devices: modprobe veth, or --network none');
});

test('advice is found by any name of an errno; * is for all others', () => {
  const step = { call: 'mount', args: [], why: 'mount it', advice: { EWOULDBLOCK: 'wait', '*': 'give up' } };
  assert.equal(stepFailure(step, errnoNumber('EAGAIN')).advice, 'wait');
  assert.equal(stepFailure(step, errnoNumber('EPERM')).advice, 'give up');
});
