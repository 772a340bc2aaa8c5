import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { BuildHome, FROM } from './support/build.js';
import { FOSTER } from './support/foster.js';
import { waitUntil } from './support/wait.js';

const home = new BuildHome();

afterEach(() => home.assertNothingLeft());

/** The names in a tar archive. */
function names(archive: Buffer): string[] {
  const { stdout } = spawnSync('tar', ['-t'], { input: archive, encoding: 'utf8' });
  return stdout.split('\n').filter(Boolean);
}

test('an image and its containers have the settings of the Dockerfile', () => {
  const context = home.context({
    Dockerfile: `${FROM}
ENV A="b c"
WORKDIR /work/x
COPY file .
LABEL k=v
USER 5:6
EXPOSE 80
ENTRYPOINT ["sh", "-c"]
CMD ["id -u; id -g; pwd; echo $A; cat file"]
`,
    file: 'content\n',
  });
  const { status, stdout, stderr } = home.build(context, [
    '-t',
    'say',
    '-t',
    'example.org/say:2',
    '--label',
    'l=m',
  ]);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^STEP 1\/9: FROM localhost\/foster\/busybox\n/);
  assert.match(stdout, /\nCOMMIT docker\.io\/library\/say:latest\n/);
  assert.match(
    stdout,
    /\nSuccessfully tagged docker\.io\/library\/say:latest\nSuccessfully tagged example\.org\/say:2\n/,
  );
  const id = stdout.trim().split('\n').at(-1) ?? '';
  const { config, history } = home.config(`sha256:${id}`);
  assert.deepEqual(config.Labels, { k: 'v', l: 'm' });
  assert.equal(config.User, '5:6');
  assert.equal(config.WorkingDir, '/work/x');
  assert.deepEqual(
    history.slice(1).map(({ created_by, empty_layer }) => [created_by, empty_layer ?? false]),
    [
      ['ENV A="b c"', true],
      ['WORKDIR /work/x', false],
      ['COPY file .', false],
      ['LABEL k=v', true],
      ['USER 5:6', true],
      ['EXPOSE 80', true],
      ['ENTRYPOINT ["sh", "-c"]', true],
      ['CMD ["id -u; id -g; pwd; echo $A; cat file"]', true],
    ],
  );
  assert.equal(home.run(['--rm', 'say']).stdout, '5\n6\n/work/x\nb c\ncontent\n');
  assert.equal(home.run(['--rm', 'example.org/say:2', 'echo hi']).stdout, 'hi\n');
});

test('steps that were built before are cached', () => {
  const dockerfile = (last: string) =>
    `${FROM}\nCOPY a /\nRUN date +%N > /first\nCOPY b /\nRUN ${last} > /second\n`;
  const context = home.context({ Dockerfile: dockerfile('date +%N'), a: '1', b: '1' });
  const first = home.built(context);
  assert.equal(home.built(context), first, 'the same id');
  utimesSync(join(context, 'a'), 1, 1);
  assert.equal(home.built(context), first, 'when a file was changed does not count');

  writeFileSync(join(context, 'b'), '2');
  const { stdout } = home.build(context);
  assert.equal(stdout.match(/--> CACHED/g)?.length, 2, stdout);
  const second = home.built(context);
  assert.deepEqual(
    home.config(second).rootfs.diff_ids.slice(0, 3),
    home.config(first).rootfs.diff_ids.slice(0, 3),
  );
  assert.notEqual(home.built(context, ['--no-cache']), second);
});

test('a declared ARG invalidates the cache of RUN, others do not', () => {
  const context = home.context({ Dockerfile: `${FROM}\nARG V=1\nRUN echo $V > /v\n` });
  const one = home.built(context);
  const two = home.built(context, ['--build-arg', 'V=2']);
  assert.notEqual(one, two);
  assert.match(
    home.config(two).history.at(-1)?.created_by ?? '',
    /^RUN \|1 V=2 \/bin\/sh -c echo \$V > \/v$/,
  );
  assert.equal(home.built(context, ['--build-arg', 'https_proxy=x']), one);
  assert.match(home.build(context, ['--build-arg', 'W=1']).stderr, /no ARG for these --build-arg options: W/);
});

test('with --timestamp the same input has the same digest', () => {
  const context = home.context({
    Dockerfile: `${FROM}\nCOPY . /c/\nRUN mkdir /d && date +%s | wc -c > /d/e && ln -s e /d/f\n`,
    'x/y': 'z',
  });
  const first = home.built(context, ['--timestamp', '1000000000', '-t', 'same']);
  const manifest = home.manifest('docker.io/library/same:latest');
  utimesSync(join(context, 'x/y'), 5, 5);
  assert.equal(home.built(context, ['--timestamp', '1000000000', '--no-cache', '-t', 'same']), first);
  assert.deepEqual(home.manifest('docker.io/library/same:latest'), manifest);
  assert.notEqual(home.built(context, ['--timestamp', '1000000001']), first);
  assert.equal(home.run(['--rm', 'same', 'stat', '-c', '%Y', '/c/x/y']).stdout, '1000000000\n');
});

test('stages: only those needed are built, and files go from one to another', () => {
  const context = home.context({
    Dockerfile: `ARG WHAT=made
${FROM} AS maker
ARG WHAT
RUN mkdir -p /out/sub && echo $WHAT > /out/sub/file && chown -R 7:8 /out/sub && ln -s sub/file /out/link
${FROM} AS unused
RUN false
FROM maker AS next
RUN echo more of $WHAT >> /out/sub/file
FROM scratch AS small
COPY --from=next /out /out
${FROM}
COPY --from=maker /out/s*/file /a/
COPY --from=small --chown=9 /out/sub/file /out/link /b/
COPY --from=localhost/foster/busybox /etc/passwd /c
`,
  });
  assert.equal(
    home.outputOf(
      context,
      'cat /a/file /b/file; stat -c "%u:%g" /a/file /b/file; test -f /b/link -a ! -L /b/link; head -c 4 /c',
    ),
    'made\nmade\nmore of made\n7:8\n9:9\nroot',
  );
  home.built(context, ['--target', 'small', '-t', 'small', '--build-arg', 'WHAT=other']);
  const { digest } = home.manifest('docker.io/library/small:latest').layers[0] ?? { digest: '' };
  assert.ok(home.blob(digest).length > 0);
  assert.deepEqual(names(home.topLayer('docker.io/library/small:latest')), [
    'out/',
    'out/link',
    'out/sub/',
    'out/sub/file',
  ]);
  const { status, stderr } = home.build(context, ['--target', 'nosuch']);
  assert.equal(status, 1);
  assert.match(stderr, /has no stage 'nosuch'; it has maker, unused, next, small/);
});

test('RUN: PID 1, variables, user, directory, forms, here-documents', () => {
  const context = home.context({
    Dockerfile: `${FROM}
ARG SEEN=yes HIDDEN=arg
ENV HIDDEN=env
RUN ["sh", "-c", "tr '\\\\0' ' ' < /proc/1/cmdline > /one; echo $SEEN $HIDDEN $HOME > /variables"]
RUN <<EOF
echo me:x:50:50::/home/me:/bin/sh >> /etc/passwd
mkdir -p /home/me/w && chown 50 /home/me/w
EOF
USER me
WORKDIR /home/me/w
RUN whoami > who && pwd > where
SHELL ["/bin/sh", "-ec"]
RUN <<A cat > a && <<-'B' cat > b
one $SEEN
A
	two $SEEN
	B
RUN <<EOF
#!/bin/ash
echo script > c
EOF
`,
  });
  assert.equal(
    home.outputOf(context, 'cat /one; echo; cat /variables who where a b c'),
    'foster-init \nyes env /root\nme\n/home/me/w\none yes\ntwo $SEEN\nscript\n',
  );
});

test('text that only looks like a here-document is not one', () => {
  const context = home.context({
    Dockerfile: `${FROM}
RUN echo "<<ONE two" $((1 << 3)) > /a && \\
  # a comment
  echo '<<TWO' >> /a
RUN cat <<EOF >> /a
a << b <<c "<<d"
EOF
COPY Dockerfile /last
`,
  });
  assert.equal(home.outputOf(context, 'cat /a; test -s /last'), '<<ONE two 8\n<<TWO\na << b <<c "<<d"\n');
});

test('a layer has what RUN changed, and nothing else', () => {
  const context = home.context({
    Dockerfile: `${FROM}\nRUN mkdir -p /old/dir /old/other && touch /old/dir/a /old/other/b /old/c
RUN rm /old/c && rm -r /old/dir && mkdir /old/dir && touch /old/dir/new && test -s /etc/hosts\n`,
  });
  home.built(context, ['-t', 'changed']);
  // the name that is gone, where layers are copied: no one can tell that the directory is another one
  const mark = process.env.FOSTER_STORAGE_DRIVER === 'copy' ? 'old/dir/.wh.a' : 'old/dir/.wh..wh..opq';
  assert.deepEqual(names(home.topLayer('docker.io/library/changed:latest')), [
    'old/',
    'old/.wh.c',
    'old/dir/',
    mark,
    'old/dir/new',
  ]);
  const find = ['--rm', 'changed', 'find', '/old'];
  const before = home.run(find).stdout.split('\n').sort();
  assert.deepEqual(before, ['', '/old', '/old/dir', '/old/dir/new', '/old/other', '/old/other/b']);
  home.removeLayers();
  assert.deepEqual(home.run(find).stdout.split('\n').sort(), before, 'the same, unpacked from its archive');
});

test('RUN --mount of a cache and of a tmpfs', () => {
  const context = home.context({
    Dockerfile: `${FROM}\nRUN --mount=type=cache,target=/var/cache/x --mount=type=tmpfs,target=/t \\
  echo x >> /var/cache/x/f && cp /var/cache/x/f /seen && touch /t/gone\n`,
  });
  assert.equal(home.outputOf(context, 'cat /seen; test -e /var/cache/x -o -e /t || echo none'), 'x\nnone\n');
  assert.equal(home.outputOf(context, 'cat /seen', ['--no-cache']), 'x\nx\n');
});

test('a base image with ONBUILD', () => {
  const base = home.context({
    Dockerfile: `${FROM}\nONBUILD COPY x /x\nONBUILD RUN <<EOF\necho run >> /x\nEOF\n`,
  });
  home.built(base, ['-t', 'onbuild']);
  const context = home.context({ Dockerfile: 'FROM onbuild\n', x: 'x\n' });
  assert.equal(home.outputOf(context, 'cat /x'), 'x\nrun\n');
  assert.match(
    home.build(home.context({ Dockerfile: 'FROM onbuild' })).stderr,
    /ONBUILD of onbuild:1: x: not found/,
  );
});

test('contexts and Dockerfiles from elsewhere', () => {
  const dockerfile = `${FROM}\nCOPY x /\nCMD cat /x`;
  const folder = home.context({
    x: 'in folder\n',
    'sub/other.Dockerfile': dockerfile,
    Containerfile: dockerfile,
    Dockerfile: 'FOO',
  });
  const says = (id: string) => home.run(['--rm', id]).stdout;
  assert.equal(says(home.built(folder)), 'in folder\n', 'Containerfile comes first');
  assert.equal(says(home.built(folder, ['-f', 'sub/other.Dockerfile'])), 'in folder\n');
  assert.equal(says(home.built(folder, ['-f', '-'], { input: dockerfile })), 'in folder\n');
  assert.equal(says(home.built('-', [], { input: `${FROM}\nCMD echo alone` })), 'alone\n');
  const tar = spawnSync('tar', ['-c', '-C', folder, '.']).stdout;
  assert.equal(says(home.built('-', [], { input: tar })), 'in folder\n');
  assert.equal(
    says(home.built('-', ['-f', 'sub/other.Dockerfile'], { input: gzipSync(tar) })),
    'in folder\n',
  );
  assert.deepEqual(readdirSync(join(home.folder, 'data/foster/images/incoming')), []);
  const file = join(home.folder, 'id');
  const id = home.built(folder, ['--iidfile', file]);
  assert.equal(readFileSync(file, 'utf8'), id);
});

test('errors name the line, and the exit code is 1', () => {
  const cases: [string, RegExp][] = [
    ['RUN exit 3', /Dockerfile:2: The command '\/bin\/sh -c exit 3' returned a non-zero code: 3/],
    ['RUN kill -9 $$', /returned a non-zero code: 137/],
    ['RUN apt-get update', /it has no network; use '--network bridge'/],
    ['RUN ["/nosuch"]', /returned a non-zero code: 127/],
    ['COPY nosuch /', /Dockerfile:2: nosuch: not found; paths start at the build context/],
    ['COPY ../../../../etc/passwd /', /passwd: not found/],
    ['COPY Dockerfile x y', /its destination must be a directory and end with \//],
    ['COPY --from=7 a b', /there is no earlier stage with that number/],
    ['COPY --from=localhost/foster/busybox /nosuch /', /Dockerfile:2: \/nosuch: not found/],
    ['COPY --chown=nobody2 Dockerfile /', /Dockerfile:2: --chown: no user nobody2/],
    ['COPY --checksum=x Dockerfile /', /COPY has no flag --checksum/],
    ['ADD --checksum=x Dockerfile /', /--checksum=x: expected sha256: and 64 hexadecimal digits/],
    ['ADD --keep-git-dir Dockerfile /', /ADD does not have --keep-git-dir in foster/],
    ['COPY Dockerfile /etc', /^$/],
    ['COPY Dockerfile /etc/passwd/x', /Dockerfile:2: /],
    ['ADD http://127.0.0.1:1/x /', /Dockerfile:2: cannot connect to 127.0.0.1:1: connection refused/],
    ['USER nosuch\nRUN true', /Dockerfile:3: no user nosuch/],
    ['FROM --platform=linux/s390x scratch', /cannot build for linux\/s390x/],
    ['NOSUCH x', /Dockerfile:2: unknown instruction 'NOSUCH'/],
  ];
  for (const [line, expected] of cases) {
    const { status, stderr } = home.build(home.context({ Dockerfile: `${FROM}\n${line}\n` }));
    assert.match(stderr, expected, line);
    assert.equal(status, expected.source === '^$' ? 0 : 1, `${line}: ${stderr}`);
  }
  assert.equal(home.build('/nosuch').status, 1);
  assert.match(home.build(home.context({})).stderr, /cannot find Containerfile or Dockerfile in/);
});

test('-q prints only the output of a failing command', () => {
  const { stdout, stderr } = home.build(
    home.context({ Dockerfile: `${FROM}\nRUN echo quiet\nRUN echo loud; false` }),
    ['-q'],
  );
  assert.equal(stdout, '');
  assert.match(stderr, /^loud\nfoster: /);
});

/** A build whose RUN never ends by itself. */
function startBuild(): {
  child: ChildProcess;
  ended: Promise<unknown>;
  says: (text: string) => Promise<void>;
} {
  const context = home.context({ Dockerfile: `${FROM}\nRUN (sleep 1234 &) ; echo be''gun; sleep 4321\n` });
  const child = spawn(FOSTER, ['build', '-t', 'ended', context], {
    env: home.env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = new Promise((done) => child.on('exit', (code, by) => done(by ?? code)));
  const says = async (text: string) => void (await waitUntil(`it says ${text}`, () => said.includes(text)));
  return { child, ended, says };
}

function temporaryTrees(): string[] {
  return readdirSync(join(home.folder, 'data/foster/roots')).filter((name) => name.startsWith('tmp-'));
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
  test(`${signal} ends a build, its container, and leaves nothing`, async () => {
    const { child, ended, says } = startBuild();
    await says('begun');
    child.kill(signal);
    assert.equal(await ended, { SIGINT: 130, SIGTERM: 143, SIGKILL: 'SIGKILL' }[signal]);
    await home.assertNoProcess();
    if (signal === 'SIGKILL') home.run(['--rm', 'busybox', 'true']); // the next command cleans up
    assert.deepEqual(temporaryTrees(), []);
    assert.match(home.run(['--rm', '--pull=never', 'ended']).stderr, /no such image/);
  });
}

test('whenever a build is killed, its container dies with it', async () => {
  for (const signal of ['SIGKILL', 'SIGINT'] as const) {
    for (const delay of [0, 10, 30, 60, 90, 120]) {
      const { child, ended, says } = startBuild();
      await says('STEP 2');
      await setTimeout(delay);
      child.kill(signal);
      await ended;
      await home.assertNoProcess();
    }
  }
  home.run(['--rm', 'busybox', 'true']);
  assert.deepEqual(temporaryTrees(), []);
});
