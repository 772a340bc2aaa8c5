import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { blocksOf, programOf } from './support/documents.js';
import { Home } from './support/foster.js';
import { npmEnvironment } from './support/package.js';
import { DEADLINE } from './support/wait.js';

/**
 * The programs of examples/, with foster installed beside them as npm does it from the packed package. FOSTER_NODES has
 * the paths of further Nodes to run them on, with colons between them (scripts/test-node).
 */
const NODES = [process.execPath, ...(process.env.FOSTER_NODES ?? '').split(':').filter(Boolean)];

/** @param tarball is there when the tests run */
export function testLibrary(tarball: () => string): void {
  describe('the library in the package', () => {
    const home = new Home();
    const project = join(home.folder, 'project');

    before(() => {
      mkdirSync(project);
      writeFileSync(join(project, 'package.json'), '{ "private": true }');
      const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
      execFileSync('npm', ['install', ...quiet, '--ignore-scripts', tarball()], {
        cwd: project,
        env: npmEnvironment(),
        stdio: 'ignore',
      });
      cpSync('examples', join(project, 'examples'), { recursive: true });
    });

    for (const node of NODES) {
      const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();

      const run = (args: string[], input = '') =>
        spawnSync(node, args, { cwd: project, env: home.env, encoding: 'utf8', input, timeout: DEADLINE });

      const example = (name: string, args: string[] = [], input = '') => {
        const result = run([join('examples', `${name}.mjs`), ...args], input);
        return { ...result, all: `${result.stdout}${result.stderr}` };
      };

      const FIRST = `const foster = new Foster();
    foster.run({ root: 'busybox', command: ['sh', '-c', 'echo hi; exit 3'], remove: true })
      .then((r) => console.log(JSON.stringify([r.exitCode, r.stdout])));`;

      test(`${version}: as an ES module and as CommonJS`, () => {
        writeFileSync(join(project, 'first.mjs'), `import { Foster } from 'foster';\n${FIRST}`);
        writeFileSync(join(project, 'first.cjs'), `const { Foster } = require('foster');\n${FIRST}`);
        for (const file of ['first.mjs', 'first.cjs']) {
          const { stdout, stderr } = run([file]);
          assert.equal(stdout, '[3,"hi\\n"]\n', stderr);
        }
      });

      test(`${version}: a test that starts a database`, () => {
        const { status, all } = example('database-test');
        assert.equal(status, 0, all);
      });

      test(`${version}: a sandbox`, () => {
        const verdictOf = (code: string) => {
          const { stdout, all } = example('sandbox', [], code);
          assert.match(stdout, /^\{.*\}\n$/, all);
          return JSON.parse(stdout) as { verdict: string; output?: string };
        };
        assert.deepEqual(verdictOf('echo $((6 * 7))'), { verdict: 'fine', output: '42\n' });
        assert.match(verdictOf('while :; do :; done').verdict, /took more than 2 seconds|exit code 1\d\d/);
        assert.deepEqual(verdictOf('yes'), { verdict: 'it wrote too much' });
        assert.equal(
          verdictOf('dd if=/dev/zero of=/tmp/x bs=1M count=100 2>/dev/null; exit 9').verdict,
          'exit code 9',
        );
        assert.equal(verdictOf('echo x > /etc/x').verdict, 'exit code 1');
      });

      test(`${version}: a CI step`, () => {
        const source = join(home.folder, `source-${version}`);
        mkdirSync(source);
        writeFileSync(join(source, 'text'), 'hallo\n');
        const result = join(home.folder, `result-${version}`);
        const good = example('ci-step', [
          source,
          result,
          'sh',
          '-c',
          'echo "CI is $CI"; tr a e < text > result',
        ]);
        assert.equal(good.status, 0, good.all);
        assert.equal(good.stdout, 'CI is true\n');
        assert.equal(readFileSync(result, 'utf8'), 'hello\n');
        assert.equal(example('ci-step', [source, result, 'sh', '-c', 'exit 5']).status, 5);
        assert.match(example('ci-step', ['/nothing', result, 'true']).stderr, /^ci-step: .*\/nothing/);
      });

      test(`${version}: a process that watches orphans`, () => {
        const { stdout, all } = example('watch-orphans');
        assert.match(stdout, /^adopt: process \d+ \(sleep\)$/m, all);
        assert.match(stdout, /^adopted 3, reaped 3$/m, all);
      });

      test(`${version}: a build`, () => {
        const archive = join(home.folder, `greeting-${version}.tar`);
        const { stdout, stderr } = example('build-image', [archive]);
        assert.match(stderr, /^STEP 1\/4: FROM localhost\/foster\/busybox$/m);
        assert.equal((JSON.parse(stdout) as { stdout: string }).stdout, 'Hello, world\n');
        assert.ok(statSync(archive).size > 0);
      });

      test(`${version}: the programs of docs/library.md`, async (t) => {
        const blocks = blocksOf(readFileSync('docs/library.md', 'utf8'), ['js']);
        assert.deepEqual(
          blocks.flatMap(({ notRun }) => notRun ?? []),
          ['needs a registry'],
        );
        const recipe =
          'FROM localhost/foster/busybox\nARG VERSION\nENV VERSION=$VERSION\nCMD echo "version $VERSION"\n';
        writeFileSync(join(project, 'Dockerfile'), recipe);
        for (const block of blocks.filter(({ notRun }) => notRun === undefined)) {
          await t.test(`line ${block.line}: ${block.lines[0]}`, () => {
            writeFileSync(join(project, 'block.mjs'), programOf(block));
            const { status, stderr } = run(['block.mjs']);
            assert.equal(status, 0, stderr);
          });
        }
        // the next version of Node begins as this one did
        const clean = `(async () => {
      const foster = new (require('foster').Foster)();
      for (const { id } of await foster.list({ all: true })) await foster.remove(id, { force: true });
      await foster.networks.prune();
      await foster.volumes.prune({ all: true });
    })()`;
        const { status, stderr } = run(['-e', clean]);
        assert.equal(status, 0, stderr);
      });
    }

    test('nothing is left behind', async () => await home.assertNothingLeft());
  });
}
