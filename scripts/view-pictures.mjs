#!/usr/bin/env node
/**
 * Takes the pictures of docs/view.md from a real run: scripts/view-pictures.mjs [FOLDER]. Needs chromium, and is run by a user who
 * may start containers.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { build } from 'esbuild';

const target = resolve(process.argv[2] ?? 'docs/pictures');
const home = mkdtempSync(join(tmpdir(), 'foster-pictures-'));
const env = {
  ...process.env,
  PATH: `${resolve('dist')}:${process.env.PATH}`,
  HOME: home,
  XDG_RUNTIME_DIR: home,
};

/** A program that leaves a child every few seconds, and never waits for one. */
const CARELESS = 'sh -c "while :; do (sleep 5 & sleep 9 &); sleep 6; done" & exec sleep 1000';

function foster(...args) {
  const { status, stderr } = spawnSync('foster', args, { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`foster ${args.join(' ')}: ${stderr}`);
}

/** The driver of the tests, which is TypeScript. */
async function chromiumDriver() {
  const { outputFiles } = await build({
    entryPoints: ['test/integration/support/chromium.ts'],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
  });
  const path = join(home, 'chromium.mjs');
  writeFileSync(path, outputFiles[0].contents);
  return await import(path);
}

function start() {
  const view = spawn('foster', ['view', '--no-open'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((settle) => {
    view.stdout.setEncoding('utf8').once('data', (address) => settle({ view, address: address.trim() }));
  });
}

/** Each with its tab, whether it is dark, and its height in pixels. */
const PICTURES = [
  ['processes', 'processes', false, 600],
  ['processes-dark', 'processes', true, 600],
  ['namespaces', 'namespaces', false, 700],
  ['networks', 'networks', true, 560],
];
const WIDTH = 1080;

foster('run', '-d', '--name', 'careless', '--no-init', 'busybox', 'sh', '-c', CARELESS);
foster('run', '-d', '--name', 'reaped', 'busybox', 'sh', '-c', CARELESS);
foster('pod', 'create', '--name', 'shop', '--infra-name', 'shop-infra', '-p', '18080:80');
foster('run', '-d', '--pod', 'shop', '--name', 'web', 'busybox', 'httpd', '-f');
foster('run', '-d', '--pod', 'shop', '--name', 'db', 'busybox', 'sleep', '1000');
const { Chromium } = await chromiumDriver();
const chromium = new Chromium(env);
const { view, address } = await start();
try {
  const { origin } = new URL(address);
  await chromium.open(address);
  await delay(8000); // something is to be seen on the time line
  for (const [name, tab, isDark, height] of PICTURES) {
    const page = await chromium.open(`${origin}/`, { width: WIDTH, height, isDark });
    await delay(1500);
    await page.value(`document.getElementById('tab-${tab}').click()`);
    await delay(4500);
    writeFileSync(join(target, `view-${name}.png`), await page.screenshot());
    await page.close(); // a browser has at most six connections to a server
  }
} finally {
  view.kill('SIGINT');
  await chromium.close();
  spawnSync('foster', ['rm', '-af'], { env });
  spawnSync('foster', ['pod', 'rm', '-af'], { env });
  spawnSync('chmod', ['-R', 'u+rwX', home]);
  rmSync(home, { recursive: true, force: true });
}
