import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createSocketServer } from 'node:net';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { ImagesHome } from './support/image-archive.js';
import { foster } from './support/registry.js';

/** Flags of Docker's and Podman's build. */
const home = new ImagesHome();
const BASE = 'FROM localhost/foster/busybox\n';
mkdirSync(home.path('context'));
writeFileSync(home.path('context/file'), 'of the context');

/** Builds, and returns what the command printed. */
async function build(dockerfile: string, flags: string[] = [], env: Record<string, string> = {}) {
  writeFileSync(home.path('Dockerfile'), BASE + dockerfile);
  return await foster(
    home,
    ['build', '-t', 'built', '-f', home.path('Dockerfile'), ...flags, home.path('context')],
    env,
  );
}

/** What RUN printed in a build that must succeed. */
async function printed(dockerfile: string, flags: string[] = [], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = await build(dockerfile, flags, env);
  assert.equal(status, 0, stderr);
  return stdout;
}

const shown = (template: string) => home.foster(['image', 'inspect', '-f', template, 'built']).stdout.trim();

test('RUN has the hosts, capabilities, limits, name servers and volumes that were asked for', async () => {
  mkdirSync(home.path('volume'));
  writeFileSync(home.path('volume/there'), 'on the host\n');
  const text = await printed(
    'RUN cat /etc/hosts /etc/resolv.conf /of-host/there; grep -E "CapBnd|Seccomp:|NoNewPrivs" /proc/self/status; ulimit -n\n',
    [
      ...['--add-host', 'db:10.0.0.1', '--dns', '10.0.0.2', '-v', `${home.path('volume')}:/of-host:ro`],
      ...['--cap-drop', 'ALL', '--cap-add', 'CHOWN,KILL', '--security-opt', 'seccomp=unconfined'],
      ...['--security-opt', 'no-new-privileges=false', '--ulimit', 'nofile=77'],
    ],
  );
  for (const expected of [
    /^10\.0\.0\.1\tdb$/m,
    /^nameserver 10\.0\.0\.2$/m,
    /^options timeout:1 attempts:1$/m,
    /on the host/,
    /^CapBnd:\t0000000000000021$/m,
    /^NoNewPrivs:\t0$/m,
    /^Seccomp:\t0$/m,
    /^77$/m,
  ])
    assert.match(text, expected);
  assert.equal(home.run(['--rm', 'built', 'test', '-e', '/of-host']).status, 1);
});

test('the resolver, /etc/hosts and /dev/shm of RUN', async () => {
  const flags = ['--dns-search', 'a.example', '--dns-option', 'ndots:3', '--no-hosts', '--shm-size', '2m'];
  const text = await printed(
    "RUN grep -E '^(search|options)' /etc/resolv.conf; test -s /etc/hosts || echo no hosts; df -k /dev/shm | tail -1\n",
    flags,
  );
  for (const expected of [/^search a\.example$/m, /^options ndots:3$/m, /^no hosts$/m, /^shm +2048 /m])
    assert.match(text, expected);
  assert.match(
    (await build('', ['--no-hosts', '--add-host', 'a:1.1.1.1'])).stderr,
    /cannot be used together/,
  );
});

test('RUN shares the namespaces and gets the proxies that were asked for', async () => {
  const names = ['ipc', 'uts', 'cgroup', 'pid', 'user'];
  const script = `RUN hostname; for name in ${names.join(' ')}; do echo $name $(readlink /proc/self/ns/$name); done\n`;
  const own = (name: string) => `${name} ${readlinkSync(`/proc/self/ns/${name}`)}\n`;
  const usual = await printed(script, ['--pid', 'private', '--userns', 'container', '--ipc=private']);
  for (const name of names) assert.ok(!usual.includes(own(name)), usual);
  assert.match(usual, /^foster-build$/m);
  const shared = await printed(script, ['--ipc', 'host', '--uts=host', '--cgroupns', 'host']);
  for (const name of ['ipc', 'uts', 'cgroup']) assert.ok(shared.includes(own(name)), shared);
  for (const name of ['pid', 'user']) assert.ok(!shared.includes(own(name)), shared);
  assert.ok(shared.includes(`${hostname()}\n`), shared);
  for (const [flag, why] of [
    ['--pid=host', /--pid 'host' is not supported yet: all processes of a RUN end with it/],
    ['--userns=host', /--userns 'host' is not supported yet: the files of images/],
    ['--uts=other', /--uts 'other': expected private or host/],
  ] as const)
    assert.match((await build(script, [flag])).stderr, why);

  const proxies = { http_proxy: 'http://proxy:3128', NO_PROXY: 'localhost' };
  const seen = 'RUN echo "<$http_proxy $NO_PROXY>"\n';
  assert.match(await printed(seen, ['--no-cache'], proxies), /^< >$/m);
  assert.match(
    await printed(seen, ['--no-cache', '--http-proxy'], proxies),
    /^<http:\/\/proxy:3128 localhost>$/m,
  );
  assert.doesNotMatch(shown('{{.Config.Env}}'), /proxy/i);
});

/** An image of a few files, one of which belongs to another user. */
const FILES =
  'COPY file /out/\nRUN chmod 640 /out/file && chown 7:7 /out/file && ln -s /etc/passwd /out/link\n' +
  'FROM scratch\nCOPY --from=0 /out /files\nVOLUME /volume\nUSER nobody\n';

test('-o writes the files of the image to a directory, as files of the caller', async () => {
  mkdirSync(home.path('there'));
  symlinkSync('/nowhere', home.path('there/files'));
  await printed(FILES, ['-o', home.path('new/dir')]);
  assert.deepEqual(readdirSync(home.path('new/dir')), ['files']);
  assert.equal(readFileSync(home.path('new/dir/files/file'), 'utf8'), 'of the context');
  assert.equal(readlinkSync(home.path('new/dir/files/link')), '/etc/passwd');
  const { uid, mode } = statSync(home.path('new/dir/files/file'));
  assert.deepEqual([uid, mode & 0o777], [process.getuid?.(), 0o640]);
  const linked = await build(FILES, ['--output', `type=local,dest=${home.path('there')}`]);
  assert.equal(linked.status, 1, linked.stderr); // a link that is there is not followed
  assert.match(linked.stderr, /cannot overwrite a file or link with the directory 'files/);
  assert.equal(home.foster(['ps', '-aq']).stdout, '');
});

test('-o type=tar, docker and oci: an archive, also on standard output', async () => {
  const list = (archive: Uint8Array | string) =>
    spawnSync('tar', ['-tv', '--numeric-owner'], { input: archive, encoding: 'utf8' }).stdout;
  await printed(FILES, ['-o', `type=tar,dest=${home.path('files.tar')}`]);
  assert.match(list(readFileSync(home.path('files.tar'))), /^-rw-r----- 7\/7 +14 .* files\/file$/m);
  for (const output of ['-', 'type=tar,dest=-', 'type=tar']) {
    const { stdout, stderr } = await build(FILES, ['-o', output]);
    assert.match(list(stdout), /files\/file$/m);
    assert.match(stderr, /STEP 1\//);
  }
  await printed(FILES, ['-o', `type=docker,dest=${home.path('image.tar')}`]);
  assert.match(list(readFileSync(home.path('image.tar'))), /manifest\.json$/m);
  const extract = ['-xOf', home.path('image.tar'), 'manifest.json'];
  const manifest = JSON.parse(spawnSync('tar', extract, { encoding: 'utf8' }).stdout);
  assert.deepEqual(manifest[0].RepoTags, ['docker.io/library/built:latest']);
  await printed(FILES, ['-o', `type=oci,dest=${home.path('oci.tar')}`]);
  assert.match(list(readFileSync(home.path('oci.tar'))), /oci-layout$/m);
  for (const [output, problem] of [
    ['type=other', /--output 'type=other': expected the type local, tar, /],
    ['type=local', /expected dest=DIRECTORY/],
    ['colour=red', /expected type=TYPE,dest=PATH/],
    [
      'type=tar,dest=/nowhere/x',
      /cannot write the files of the image: cannot write \/nowhere\/x: no such file/,
    ],
    ['/proc/x', /cannot make the directory \/proc\/x: no such file/],
  ] as const)
    assert.match((await build(FILES, ['-o', output])).stderr, problem);
});

test('what builds of others have is accepted where it changes nothing of the image', async () => {
  const flags = ['--provenance=false', '--sbom', 'false', '--jobs', '4', '--cache-from', 'any:1'];
  const { status, stderr } = await build('', flags);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /^foster: warning: --cache-from is left out: /m);
  assert.match(
    (await build('', ['--sbom=true'])).stderr,
    /--sbom 'true' is not supported yet: .* no attestations/,
  );
  assert.match((await build('', ['--jobs', 'x'])).stderr, /--jobs 'x': expected a number/);
});

test('--retry and --retry-delay: how often a registry that fails is asked', async (t) => {
  let asked = 0;
  const server = createServer(({ url = '' }, response) => {
    if (url.includes('/manifests/')) asked++;
    response.writeHead(url.includes('/manifests/') ? 503 : 200).end();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  for (const [retries, times] of [
    ['0', 1],
    ['2', 3],
  ] as const) {
    asked = 0;
    const flags = ['--retry', retries, '--retry-delay', '1ms', '--from', `127.0.0.1:${port}/app:1`];
    const { status } = await build('', flags);
    assert.equal(status, 1);
    assert.equal(asked, times);
  }
  assert.match((await build('', ['--retry', 'x'])).stderr, /--retry 'x': expected a number/);
});

test('builder prune --keep-storage keeps the newest results, up to a size', async () => {
  const script = (name: string) => `RUN head -c 300000 /dev/urandom > /${name}\n`;
  const isCached = async (name: string) => /^--> CACHED /m.test(await printed(script(name)));
  const prune = (size: string) => home.foster(['builder', 'prune', '-f', '--keep-storage', size]);
  await printed(script('older'));
  await printed(script('newer'));
  home.foster(['rmi', '-f', ...home.foster(['images', '-q']).stdout.trim().split('\n')]);
  assert.equal(prune('10m').stdout, 'Total reclaimed space: 0B\n');
  assert.match(prune('400k').stdout, /^Total reclaimed space: [1-9]/);
  assert.ok(await isCached('newer'));
  assert.ok(!(await isCached('older')));
  assert.match(prune('x').stderr, /--keep-storage 'x': expected a size/);
});

test('builder prune --filter removes only what is older', async () => {
  const script = 'RUN date > /when\n';
  const isCached = async () => /^--> CACHED /m.test(await printed(script));
  const prune = (filter: string) => home.foster(['builder', 'prune', '-f', '--filter', filter]);
  await printed(script);
  assert.match(prune('until=1h').stdout, /^Total reclaimed space: /);
  assert.ok(await isCached());
  assert.equal(home.foster(['rmi', 'built']).status, 0);
  assert.match(prune('until=0s').stdout, /^Total reclaimed space: [1-9]/);
  assert.ok(!(await isCached()));
  assert.match(prune('label=x').stderr, /--filter 'label=x': expected until=TIME or until=DURATION/);
});

test('variables, annotations, format and history of the image', async () => {
  const flags = ['--env', 'A=1', '--env', 'B', '--unsetenv', 'C', '--annotation', 'org.example.a=b'];
  const text = await printed('ENV C=3\nRUN echo $A-$B-$C\n', [...flags, '--omit-history'], { B: 'two' });
  assert.match(text, /^1-two-3$/m);
  // a recipe's image has no time, so that the same files give the same digest
  assert.equal(
    home.foster(['images', '--format', '{{.CreatedSince}}', 'localhost/foster/busybox']).stdout,
    'N/A\n',
  );
  assert.match(shown('{{.Config.Env}}'), /A=1 B=two\]$/);
  assert.equal(shown('{{.Annotations}} {{len .History}}'), 'map[org.example.a:b] 0');
  await printed('ENV C=3\n', ['--format', 'docker']);
  assert.equal(shown('{{.ManifestType}}'), 'application/vnd.docker.distribution.manifest.v2+json');
  assert.equal(home.run(['--rm', 'built', 'true']).status, 0);
});

test('--squash-all makes one layer of all, without what was deleted', async () => {
  await printed('RUN echo 1 > /one; echo 2 > /two\nRUN rm /one; echo 3 > /three\n', ['--squash-all']);
  assert.equal(shown('{{len .RootFS.Layers}}'), '1');
  assert.equal(home.run(['--rm', 'built', 'sh', '-c', 'cat /two /three; ls /one']).stdout, '2\n3\n');
});

test('--build-context names a directory or an image', async () => {
  mkdirSync(home.path('more'));
  writeFileSync(home.path('more/file'), 'of the other context');
  const more = ['--build-context', `more=${home.path('more')}`];
  await printed(
    'COPY --from=more file /got\nRUN --mount=type=bind,from=more,target=/m cp /m/file /mounted\n',
    more,
  );
  assert.equal(
    home.run(['--rm', 'built', 'cat', '/got', '/mounted']).stdout,
    'of the other context'.repeat(2),
  );
  home.foster(['tag', 'built', 'kept']);
  await printed('FROM other\n', ['--build-context', 'other=docker-image://kept']);
  assert.equal(home.run(['--rm', 'built', 'cat', '/got']).stdout, 'of the other context');
  assert.match(
    (await build('FROM more\n', more)).stderr,
    /--build-context more is a directory; use FROM scratch/,
  );
});

test('--from, --ignorefile, --no-cache-filter, --logfile and --metadata-file', async () => {
  writeFileSync(home.path('ignore'), 'file\n');
  assert.match((await build('COPY file /\n', ['--ignorefile', home.path('ignore')])).stderr, /file/);
  await printed('RUN echo kept > /kept\n');
  home.foster(['tag', 'built', 'mine']);
  writeFileSync(home.path('From'), 'FROM nosuch.example/image AS first\nRUN cat /kept\n');
  const files = ['--logfile', home.path('log'), '--metadata-file', home.path('metadata')];
  const again = async (flags: string[] = []) =>
    await foster(home, [
      'build',
      '-t',
      'built',
      '-f',
      home.path('From'),
      '--from',
      'mine',
      ...flags,
      home.path('context'),
    ]);
  const { status, stdout, stderr } = await again(files);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^[0-9a-f]{64}\n$/);
  assert.match(readFileSync(home.path('log'), 'utf8'), /^kept$/m);
  const metadata = JSON.parse(readFileSync(home.path('metadata'), 'utf8'));
  assert.equal(metadata['containerimage.config.digest'], shown('{{.Id}}'));
  assert.equal(metadata['containerimage.digest'], shown('{{.Digest}}'));
  assert.match((await again()).stdout, /CACHED/);
  assert.doesNotMatch((await again(['--no-cache-filter', 'first'])).stdout, /CACHED/);
});

test('what is always so can be asked for, and not be switched off', async () => {
  await printed('', [
    '--rm',
    '--force-rm=true',
    '--layers',
    '--load',
    '--compress',
    '--pull=never',
    '--jobs=4',
    '--progress',
    'plain',
  ]);
  for (const [flag, problem] of [
    ['--rm=false', /^foster: build --rm=false is not supported: no container of a step is kept; /],
    ['--layers=false', /use --no-cache, or --squash-all/],
    ['--pull=perhaps', /expected missing, always, newer or never/],
    ['--format=other', /expected oci or docker/],
    ['--jobs=many', /--jobs 'many': expected a number/],
    ['--ssh=default', /there is no SSH agent/],
    ['--build-context=x', /expected NAME=DIRECTORY/],
    [
      '--cache-to=x',
      /^foster: build --cache-to is not supported yet: steps are cached on this machine only; /,
    ],
  ] as const) {
    const { status, stderr } = await build('', [flag], { SSH_AUTH_SOCK: '' });
    assert.equal(status, 125, flag);
    assert.match(stderr, problem);
  }
});

test('without a CONTEXT, the Dockerfile is built in its own directory', async () => {
  writeFileSync(home.path('context/Other'), `${BASE}COPY file /copied\n`);
  const build = await foster(home, ['build', '-t', 'built', '-f', home.path('context/Other')]);
  assert.equal(build.status, 0, build.stderr);
  assert.equal(home.run(['--rm', 'built', 'cat', '/copied']).stdout, 'of the context');
  for (const flags of [[], ['-f', '-']]) {
    const { status, stderr } = await foster(home, ['build', '-t', 'built', ...flags]);
    assert.equal(status, 125);
    assert.match(stderr, /^foster: missing required argument 'CONTEXT'/);
  }
});

test('--pull-always and --pull-never are older words for --pull=always and --pull=never', async () => {
  for (const [flag, problem] of [
    ['--pull-never', /no such image|is not here/],
    ['--pull-always', /cannot connect to 127\.0\.0\.1:1/],
  ] as const) {
    const { status, stderr } = await build('FROM 127.0.0.1:1/nowhere\nRUN true\n', [flag]);
    assert.notEqual(status, 0);
    assert.match(stderr, problem, flag);
  }
});

test('ADD downloads, and checks the digest', async () => {
  const content = 'downloaded';
  const digest = createHash('sha256').update(content).digest('hex');
  const server = createServer((request, response) => {
    if (request.url !== '/folder/file.txt') return void response.writeHead(404).end();
    response.writeHead(200, { 'last-modified': 'Thu, 01 Jan 2015 00:00:00 GMT' }).end(content);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/folder`;
    await printed(
      `ADD ${url}/file.txt file /into/\nARG SUM=${digest}\nADD --checksum=sha256:$SUM ${url}/file.txt /renamed\nRUN stat -c '%a %u %Y' /into/file.txt /into/file\n`,
    );
    assert.equal(
      home.run([
        '--rm',
        'built',
        'sh',
        '-c',
        'cat /into/file.txt /into/file /renamed; stat -c "%a %Y" /renamed',
      ]).stdout,
      'downloadedof the contextdownloaded600 1420070400\n',
    );
    // a download has no ignore file, least of all that of the working directory
    mkdirSync(home.path('elsewhere'));
    writeFileSync(home.path('elsewhere/.dockerignore'), '*\n');
    const args = ['build', '-f', home.path('Dockerfile'), home.path('context')];
    const again = await foster(home, args, {}, home.path('elsewhere'));
    assert.equal(again.status, 0, again.stderr);
    for (const [line, problem] of [
      [
        `ADD --checksum=sha256:${'0'.repeat(64)} ${url}/file.txt /x`,
        /its digest is sha256:[0-9a-f]{64} instead of sha256:0{64}/,
      ],
      [`ADD ${url}/nosuch /x`, /cannot download http:.*\/nosuch: .* responded with status 404/],
      [`COPY ${url}/file.txt /x`, /COPY takes no URLs; use ADD/],
      ['ADD https://example.com/x.git /x', /does not support git repositories/],
      ['ADD --checksum=sha256:12 file /x', /expected sha256: and 64/],
    ] as const) {
      const { status, stderr } = await build(`${line}\n`);
      assert.equal(status, 1, line);
      assert.match(stderr, problem);
    }
  } finally {
    server.close();
  }
});

test('RUN --mount=type=ssh reaches the agent', async () => {
  const socket = home.path('agent');
  const agent = createSocketServer((client) => client.end('the agent'));
  await new Promise<void>((done) => agent.listen(socket, done));
  const reads = 'test -S $SSH_AUTH_SOCK && echo reached $SSH_AUTH_SOCK';
  try {
    assert.match(
      await printed(`RUN --mount=type=ssh ${reads}\n`, ['--ssh', 'default'], { SSH_AUTH_SOCK: socket }),
      /^reached \/run\/foster\/ssh_agent\.sock$/m,
    );
    assert.match(
      await printed(`RUN --mount=type=ssh,id=mine,target=/agent ${reads}\n`, ['--ssh', `mine=${socket}`]),
      /^reached \/agent$/m,
    );
    assert.equal(home.run(['--rm', 'built', 'ls', '/agent']).stdout, '');
    await printed('RUN --mount=type=ssh test -z "$SSH_AUTH_SOCK"\n');
    assert.match(
      (await build('RUN --mount=type=ssh,required true\n')).stderr,
      /the build has no SSH agent default; pass it with --ssh default/,
    );
    assert.match(
      (await build('', ['--ssh', `x=${home.path('Dockerfile')}`])).stderr,
      /is not the socket of an SSH agent/,
    );
  } finally {
    agent.close();
  }
});

test('a RUN that will miss a network says so before it fails', async () => {
  assert.match(
    (await build('RUN apk add curl\n')).stderr,
    /warning: this RUN may need a network, and has none; use '--network bridge'/,
  );
  assert.equal((await build('RUN echo apk\n')).stderr, '');
});
