import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { BuildHome, FROM } from './support/build.js';
import { FOSTER } from './support/foster.js';
import { waitUntil } from './support/wait.js';

/** RUN --mount. */

const home = new BuildHome();

afterEach(() => home.assertNothingLeft());

/** The output of a build's steps, without foster's own lines. */
function said(dockerfile: string, files: Record<string, string> = {}, flags: string[] = []): string {
  const context = home.context({ Dockerfile: dockerfile, ...files });
  const { status, stdout, stderr } = home.build(context, flags);
  assert.equal(status, 0, stderr);
  return stdout
    .split('\n')
    .filter((line) => !/^(\[\d\/\d\] )?(STEP |--> |[0-9a-f]{64}$)/.test(line))
    .join('\n');
}

test('bind: files of the context, read-only and not in the layer', () => {
  const dockerfile = `${FROM}
WORKDIR /src
RUN --mount=type=bind,source=sub/go.mod,target=go.mod --mount=type=bind,target=/all \\
  cat go.mod && ls -A /all && stat -c '%u:%g' go.mod /all/sub && ! touch /all/x 2>/dev/null && cp go.mod /copied
RUN ls -A /src; test ! -e /all && cat /copied
`;
  const files = {
    'sub/go.mod': 'module\n',
    ignored: '',
    '.dockerignore': 'ignored\n.dockerignore\nDockerfile',
  };
  assert.equal(said(dockerfile, files), 'module\nsub\n0:0\n0:0\nmodule\n');
});

test('bind: what is written with rw is gone afterwards', () => {
  const dockerfile = `${FROM}\nRUN --mount=target=/w,rw echo new >> /w/f && cat /w/f\nRUN test ! -e /w\n`;
  assert.equal(said(dockerfile, { f: 'old\n' }), 'old\nnew\n');
});

test('bind: the step is repeated after a change of its files, but not of others', () => {
  const context = home.context({
    Dockerfile: `${FROM}\nRUN --mount=target=/f,source=f cat /f > /seen\n`,
    f: '1',
    g: '1',
  });
  const first = home.built(context);
  writeFileSync(join(context, 'g'), '2');
  assert.equal(home.built(context), first);
  writeFileSync(join(context, 'f'), '2');
  assert.notEqual(home.built(context), first);
});

test('bind: from a stage, which is built for it, and from an image', () => {
  const dockerfile = `${FROM} AS Maker
RUN mkdir -p /out/d && echo made > /out/d/f && chown 5:6 /out/d/f
${FROM} AS unused
RUN false
${FROM}
RUN --mount=type=bind,from=maker,source=/out,target=/mnt/out cat /mnt/out/d/f && stat -c %u:%g /mnt/out/d/f
RUN --mount=from=localhost/foster/busybox,source=/etc/passwd,target=/p head -n 1 /p | cut -d: -f1
`;
  assert.equal(said(dockerfile), 'made\n5:6\nroot\n');
});

test('cache: owner, mode and initial content', () => {
  const dockerfile = `${FROM} AS first
RUN mkdir /c && echo begun > /c/f
${FROM}
USER 7
RUN --mount=type=cache,target=/a,uid=7,gid=8,mode=0700 stat -c '%u:%g %a' /a && touch /a/mine
RUN --mount=type=cache,target=/a,uid=7,gid=8,mode=0700,sharing=locked ls /a
USER 0
RUN --mount=type=cache,target=/c,from=first,source=/c echo more >> /c/f
RUN --mount=type=cache,target=/c,from=first,source=/c,sharing=private cat /c/f
`;
  assert.equal(said(dockerfile), '7:8 700\nmine\nbegun\nmore\n');
});

test('secret: a file or a variable, which leaves nothing behind', () => {
  const file = join(home.folder, 'secret');
  writeFileSync(file, 'hidden-1234');
  const dockerfile = `${FROM}
RUN --mount=type=secret,id=key stat -c '%u:%g %a' /run/secrets/key && md5sum < /run/secrets/key | cut -c1-6
RUN --mount=type=secret,id=key,target=/etc/key,mode=0440,uid=3,gid=4 stat -c '%u:%g %a' /etc/key
RUN --mount=type=secret,id=key,env=KEY echo \${#KEY} && test ! -e /run/secrets/key
RUN --mount=type=secret,id=absent test ! -e /run/secrets/absent && ls /run
`;
  const flags = ['--secret', `id=key,src=${file}`, '-t', 'secret'];
  assert.equal(
    said(dockerfile, {}, flags).replace(/^(COMMIT|Successfully).*\n/gm, ''),
    '0:0 400\n6ef156\n3:4 440\n11\n',
  );
  const found = home.foster(['unshare', 'grep', '-rl', 'hidden-1234', join(home.folder, 'data')]);
  assert.deepEqual({ status: found.status, stdout: found.stdout }, { status: 1, stdout: '' });
});

test('secret: from a variable of the caller', () => {
  const dockerfile = `${FROM}\nRUN --mount=type=secret,id=A cat /run/secrets/A\n`;
  const context = home.context({ Dockerfile: dockerfile });
  const env = { ...home.env, A: 'value\n', B: 'other\n' };
  assert.match(home.build(context, ['--secret', 'id=A'], { env }).stdout, /^value$/m);
  assert.match(home.build(context, ['--no-cache', '--secret', 'id=A,env=B'], { env }).stdout, /^other$/m);
});

test('errors in a mount name the line', () => {
  const cases: [string, RegExp][] = [
    ['type=other', /Dockerfile:2: RUN --mount=type=other is not supported: foster supports bind, .* and ssh/],
    ['type=ssh,mode=600', /type=ssh has no option mode; it has target, id/],
    [
      'type=secret,id=x,required',
      /Dockerfile:2: the build has no secret x; pass it with --secret id=x,src=FILE/,
    ],
    ['type=secret', /needs id=NAME/],
    ['type=bind,source=a', /needs target=PATH/],
    ['type=bind,source=nosuch,target=/a', /Dockerfile:2: nosuch: not found/],
    ['type=bind,target=/a,uid=0', /type=bind has no option uid; it has target, source/],
    ['type=cache,target=/a,sharing=x', /sharing=x: expected shared, private or locked/],
    ['type=cache,target=/a,mode=9', /mode=9: expected an octal number/],
    ['type=tmpfs,target=/a,size=x', /size=x: expected bytes/],
    ['type=bind,from=5,target=/a', /there is no earlier stage with that number/],
  ];
  for (const [mount, expected] of cases) {
    const { status, stderr } = home.build(
      home.context({ Dockerfile: `${FROM}\nRUN --mount=${mount} true\n` }),
    );
    assert.match(stderr, expected, mount);
    assert.equal(status, 1, mount);
  }
  const context = home.context({ Dockerfile: FROM });
  for (const [flag, expected] of [
    ['src=x', /expected id=NAME,src=FILE/],
    ['id=x,src=/nosuch', /cannot read \/nosuch: no such file/],
    ['id=x,env=NO_SUCH', /there is no variable NO_SUCH/],
  ] as const) {
    const { status, stderr } = home.build(context, ['--secret', flag]);
    assert.match(stderr, expected);
    assert.equal(status, 125);
  }
});

test('Ctrl-C while mounts are in use leaves nothing behind', async () => {
  const context = home.context({
    Dockerfile: `${FROM}\nRUN --mount=target=/w,rw --mount=type=secret,id=s chown 5 /w/f; echo be''gun; sleep 4321\n`,
    f: 'f',
  });
  const child = spawn(FOSTER, ['build', '--secret', 'id=s,env=HOME', context], {
    env: home.env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const ended = new Promise((done) => child.on('exit', done));
  await waitUntil('it has begun', () => output.includes('begun'));
  child.kill('SIGINT');
  assert.equal(await ended, 130);
  await home.assertNoProcess();
  const left = readdirSync(join(home.folder, 'data/foster/roots')).filter((name) => name.startsWith('tmp-'));
  assert.deepEqual(left, []);
});
