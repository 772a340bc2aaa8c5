import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CrashHome } from './support/crash.js';

/** SIGKILL at the steps of `up` and `down`: the list of containers stays true, and the next command works. */
const home = new CrashHome();
home.env.FOSTER_NETWORK = 'bridge';
home.must(['run', '--rm', '--network', 'none', 'busybox', 'true']); // builds the root filesystem

const folder = join(home.folder, 'app');
mkdirSync(folder);
const service = (name: string, time: number, more = '') =>
  `  ${name}: {image: busybox, command: sleep ${time}, stop_grace_period: 0s, volumes: ["data:/data"]${more}}\n`;
const file = (name: string, time: number) => {
  const path = join(folder, name);
  writeFileSync(
    path,
    `name: app\nservices:\n${service('db', time)}${service('web', time, ', depends_on: [db]')}volumes: {data: {}}\n`,
  );
  return path;
};
const [first, second] = [file('first.yaml', 1000), file('second.yaml', 2000)];
const compose = (path: string, ...args: string[]) => ['compose', '-f', path, ...args];

/** Steps of foster compose itself. Those of the containers, networks and volumes that it makes have tests of their own. */
const OWN = /^(container|old container|network|volume) (created|started|stopped|removed|renamed)$/;

/** The numbers of the fault points to kill at. */
function chosen(stderr: string): { number: number; step: string }[] {
  return [...stderr.matchAll(/^fault point (\d+): (.*)$/gm)].flatMap(([, number, step = '']) =>
    OWN.test(step) ? [{ number: Number(number), step }] : [],
  );
}

/** Whatever has happened, the next up makes the whole project, and down removes it. */
async function assertRecovers(what: string): Promise<void> {
  try {
    await home.assertTruth();
    home.must(compose(first, 'up', '-d'));
    const listed = await home.assertTruth();
    assert.deepEqual(listed.map(({ name, state }) => `${name} ${state}`).sort(), [
      'app-db-1 running',
      'app-web-1 running',
    ]);
    home.must(compose(first, 'down', '-v'));
    assert.deepEqual(await home.assertTruth(), []);
    assert.deepEqual(await home.library.volumes.list(), []);
    assert.deepEqual(
      (await home.library.networks.list()).map(({ name }) => name),
      ['bridge'],
    );
  } catch (error) {
    if (error instanceof Error) error.message = `${what}: ${error.message}`;
    throw error;
  }
}

const WALKS: { title: string; before: string[][]; args: string[]; own: number }[] = [
  { title: 'up', before: [], args: compose(first, 'up', '-d'), own: 6 },
  {
    title: 'up that makes containers anew',
    before: [compose(first, 'up', '-d')],
    args: compose(second, 'up', '-d'),
    own: 10,
  },
  { title: 'down', before: [compose(first, 'up', '-d')], args: compose(first, 'down', '-v'), own: 6 },
];

for (const { title, before, args, own } of WALKS) {
  test(`SIGKILL at each step of ${title}`, { timeout: 1_800_000 }, async () => {
    for (const words of before) home.must(words);
    const { stderr, status } = home.foster(args, { env: { FOSTER_FAULT: 'count' } });
    assert.equal(status, 0, stderr);
    const steps = chosen(stderr);
    assert.ok(steps.length >= own, `fewer steps than there were: ${stderr}`);
    await assertRecovers('without a fault');
    let killed = 0;
    for (const { number, step } of steps) {
      for (const words of before) home.must(words);
      // what is done side by side does not always take as many steps
      if (home.foster(args, { env: { FOSTER_FAULT: String(number) } }).signal === 'SIGKILL') killed++;
      await assertRecovers(`killed when: ${step}`);
    }
    assert.ok(killed > steps.length / 2, `it was killed ${killed} times, and ${steps.length} were wanted`);
    await home.assertCleans();
  });
}
