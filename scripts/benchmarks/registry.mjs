/** Debian's docker-registry on a port of 127.0.0.1, run by the user. */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { asUser } from './bench.mjs';

/** Calls `use` with the host and port of an empty registry, and stops it afterwards. */
export async function withRegistry(bench, use) {
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  const folder = join(bench.work, 'registry');
  const file = join(folder, 'config.yml');
  const config = {
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(bench.work, 'scratch', 'registry') } },
    http: { addr: host, secret: 'bench' },
  };
  mkdirSync(folder);
  writeFileSync(file, JSON.stringify(config)); // JSON is YAML
  const [program, ...rest] = asUser(bench, ['docker-registry', 'serve', file]);
  const child = spawn(program, rest, { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve).once('error', resolve));
  process.once('exit', () => child.kill('SIGKILL'));
  try {
    await listening(port);
    return await use(host);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listening(port) {
  for (let attempt = 0; attempt < 100; attempt++) {
    const isOpen = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (isOpen) return;
    await sleep(100);
  }
  throw new Error('docker-registry is not listening after 10 s');
}
