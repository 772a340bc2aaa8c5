import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeDefaults } from '../../../../src/image/store/change-defaults.js';
import type { ImageDefaults } from '../../../../src/spec/image-defaults.js';

function changed(...instructions: string[]): ImageDefaults {
  return instructions.reduce<ImageDefaults>(changeDefaults, {});
}

test('commands have an exec form and a shell form', () => {
  assert.deepEqual(changed('CMD ["a", "b c"]'), { Cmd: ['a', 'b c'] });
  assert.deepEqual(changed('ENTRYPOINT exec a $B'), { Entrypoint: ['/bin/sh', '-c', 'exec a $B'] });
  assert.deepEqual(changed('cmd=["a"]'), { Cmd: ['a'] });
});

test('variables replace those of the same name, and keep their quotes inside only', () => {
  assert.deepEqual(changed('ENV A=1 B="two words"', "ENV A='3'"), { Env: ['B=two words', 'A=3'] });
  assert.deepEqual(changed('ENV OLD form of it'), { Env: ['OLD=form of it'] });
});

test('labels, ports and volumes are added to', () => {
  assert.deepEqual(changed('LABEL a=1', 'LABEL b="x y"').Labels, { a: '1', b: 'x y' });
  assert.deepEqual(changed('EXPOSE 80 53/udp').ExposedPorts, { '80/tcp': {}, '53/udp': {} });
  assert.deepEqual(changed('VOLUME ["/a b", "/c"]', 'VOLUME /d').Volumes, { '/a b': {}, '/c': {}, '/d': {} });
});

test('user, directory and signal', () => {
  const expected = { User: '1:2', WorkingDir: '/work', StopSignal: 'SIGINT' };
  assert.deepEqual(changed('USER 1:2', 'WORKDIR /work', 'STOPSIGNAL SIGINT'), expected);
});

test('other instructions are an error', () => {
  for (const wrong of ['RUN x', 'ENV', 'ENV =x', 'EXPOSE x', 'WORKDIR relative', '', 'CMD   ']) {
    assert.throws(() => changed(wrong), /cannot apply the change/, wrong);
  }
});
