import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DockerfileParser } from 'dockerfile-ast';
import { configure } from '../../../../src/build/dockerfile/configure.js';
import { parseDockerfile } from '../../../../src/build/dockerfile/dockerfile.js';
import { findStage, neededStages, readStages, type Stages } from '../../../../src/build/dockerfile/stages.js';
import { emptyState, type StageState } from '../../../../src/build/dockerfile/state.js';

function stages(text: string, buildArgs: Record<string, string> = {}): Stages {
  const file = parseDockerfile(text, 'Dockerfile', DockerfileParser);
  return readStages(file, new Map(Object.entries(buildArgs)), new Map([['TARGETARCH', 'amd64']]));
}

/** What a stage from nothing becomes. */
function configured(text: string): StageState {
  const file = parseDockerfile(text, 'Dockerfile', DockerfileParser);
  const state = emptyState({ os: 'linux', architecture: 'amd64' });
  for (const instruction of file.instructions)
    assert.ok(configure(state, instruction, file), instruction.keyword);
  return state;
}

test('ARG before FROM', () => {
  const text = 'ARG V=1\nARG N=a:$V\nFROM $N-$TARGETARCH';
  assert.equal(stages(text).all[0]?.base, 'a:1-amd64');
  assert.equal(stages(text, { V: '2' }).all[0]?.base, 'a:2-amd64');
  assert.throws(() => stages('FROM $NO'), /Dockerfile:1: the name of the image is empty/);
});

test('a stage can be the base of a later one, and only what the target needs is built', () => {
  const { all } = stages(
    'FROM a AS One\nFROM b AS two\nFROM one AS three\nCOPY --from=1 x y\nFROM c\nFROM d\nCOPY --from=three x y',
  );
  assert.equal(all[2]?.base, all[0]);
  const target = all.at(-1);
  assert.ok(target !== undefined);
  assert.deepEqual(
    neededStages(all, target).map(({ index }) => index),
    [0, 1, 2, 4],
  );
  assert.equal(findStage(all, 'TWO'), all[1]);
  assert.equal(findStage(all, '3'), all[3]);
  assert.equal(findStage(all, 'nine'), undefined);
});

test('an error in FROM names its line', () => {
  for (const line of ['FROM', 'FROM a b', 'FROM a AS', 'FROM a AS 1x', 'FROM --foo=1 a']) {
    assert.throws(() => stages(`FROM x\n${line}`), /^FosterError: Dockerfile:2: /, line);
  }
});

test('ENV and LABEL, new and old', () => {
  const { config } = configured(
    'ENV A=1 B="x $A y" C=\\$A\nENV D $A and more\nENV A=2\nLABEL "a b"=c d="e f"',
  );
  assert.deepEqual(config.Env?.slice(1), ['A=2', 'B=x  y', 'C=$A', 'D=1 and more']);
  assert.deepEqual(config.Labels, { 'a b': 'c', d: 'e f' });
});

test('commands in exec and shell form, and what ENTRYPOINT does to CMD', () => {
  assert.deepEqual(configured('CMD ["a", "b"]').config.Cmd, ['a', 'b']);
  assert.deepEqual(configured('SHELL ["/bin/bash", "-c"]\nENTRYPOINT a b').config.Entrypoint, [
    '/bin/bash',
    '-c',
    'a b',
  ]);
  assert.deepEqual(configured('CMD x\nENTRYPOINT ["a"]').config.Cmd, ['/bin/sh', '-c', 'x']);
  const inherited = emptyState({ os: 'linux', architecture: 'amd64' });
  inherited.config.Cmd = ['of the base'];
  const file = parseDockerfile('ENTRYPOINT ["a"]', 'Dockerfile', DockerfileParser);
  for (const instruction of file.instructions) configure(inherited, instruction, file);
  assert.equal(inherited.config.Cmd, undefined);
});

test('EXPOSE, VOLUME, USER, STOPSIGNAL, HEALTHCHECK, ONBUILD, MAINTAINER', () => {
  const { config, author } = configured(
    'ENV P=53\nEXPOSE 80 $P/udp 8000-8001\nVOLUME /a "/b c"\nVOLUME ["/d"]\nUSER me:$P\nSTOPSIGNAL SIGINT\n' +
      'HEALTHCHECK --interval=1m30s --retries=2 CMD curl x\nONBUILD RUN a b\nMAINTAINER Me',
  );
  assert.deepEqual(Object.keys(config.ExposedPorts ?? {}), ['80/tcp', '53/udp', '8000/tcp', '8001/tcp']);
  assert.deepEqual(Object.keys(config.Volumes ?? {}), ['/a', '/b c', '/d']);
  assert.equal(config.User, 'me:53');
  assert.equal(config.StopSignal, 'SIGINT');
  assert.deepEqual(config.Healthcheck, { Test: ['CMD-SHELL', 'curl x'], Interval: 90e9, Retries: 2 });
  assert.deepEqual(config.OnBuild, ['RUN a b']);
  assert.equal(author, 'Me');
});

test('invalid instructions are refused', () => {
  for (const line of [
    'EXPOSE x',
    'EXPOSE 70000',
    'STOPSIGNAL NOSUCH',
    'SHELL bash',
    'HEALTHCHECK x',
    'HEALTHCHECK --foo=1 CMD x',
    'ONBUILD FROM x',
    'ENV A',
    'LABEL =x',
    'USER $NO',
    'VOLUME',
    'ENV --x=1 A=B',
  ]) {
    assert.throws(() => configured(line), { name: 'FosterError' }, line);
  }
});
