import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';

/** Kernel settings that lead to a program running as root on the host, or affect the whole host. */
const SETTINGS = [
  ...['core_pattern', 'modprobe', 'poweroff_cmd', 'sysrq', 'panic', 'randomize_va_space', 'domainname'].map(
    (name) => `/proc/sys/kernel/${name}`,
  ),
  '/proc/sys/vm/overcommit_memory',
  '/proc/sys/net/ipv4/ip_forward',
  '/proc/sys/net/ipv4/ip_unprivileged_port_start',
  '/proc/sys/fs/suid_dumpable',
  '/sys/kernel/uevent_helper',
  '/sys/kernel/kexec_loaded',
  '/sys/kernel/mm/transparent_hugepage/enabled',
];

/**
 * The part of the host that an attack must not reach: a world-writable folder with a secret; a process; sockets; kernel
 * settings. Only the isolation of the container protects it.
 */
export class GuardedHost {
  readonly folder = mkdtempSync(join(tmpdir(), 'foster-host-'));
  readonly victim = join(this.folder, 'victim');
  /** A random secret, which can only be known by reading it here. */
  readonly secret = randomBytes(16).toString('hex');
  /** An unguarded folder for files that the attack itself needs on the host. */
  readonly work: string;
  readonly abstractName = `foster-attack-${randomBytes(8).toString('hex')}`;
  readonly canary: ChildProcess;
  port = 0;
  #contacts = 0;
  readonly #servers: Server[] = [];
  #before: { files: string; settings: Map<string, string>; clock: number } | undefined;

  constructor() {
    chmodSync(this.folder, 0o777);
    writeFileSync(this.victim, `${this.secret}\n`, { mode: 0o666 });
    chmodSync(this.victim, 0o666);
    this.work = mkdtempSync(join(tmpdir(), 'foster-attacker-'));
    chmodSync(this.work, 0o777);
    this.canary = spawn('sleep', ['1000'], { stdio: 'ignore' });
  }

  /** Starts listening, and records the state. Must be called when the attack is prepared. */
  async open(): Promise<void> {
    const listen = (address: object) =>
      new Promise<Server>((resolve) => {
        const server = createServer((socket) => {
          this.#contacts++;
          socket.destroy();
        });
        server.listen(address, () => resolve(server));
      });
    const loopback = await listen({ port: 0, host: '127.0.0.1' });
    this.#servers.push(loopback);
    this.port = (loopback.address() as { port: number }).port;
    this.#servers.push(await listen({ path: `\0${this.abstractName}` }));
    this.guard();
  }

  /** Accepts the current state as the right one. */
  guard(): void {
    this.#before = { files: this.#files(), settings: settings(), clock: clockOffset() };
  }

  /** The effects of the attack, in words; none if it failed. `output`: everything that it could reveal. */
  losses(output: string): string[] {
    if (this.#before === undefined) throw new Error('the host was not opened');
    const losses: string[] = [];
    if (output.includes(this.secret)) losses.push('a secret of the host was read');
    const files = this.#files();
    if (files !== this.#before.files) losses.push(`files of the host were changed: ${files}`);
    if (this.canary.exitCode !== null || this.canary.signalCode !== null)
      losses.push('a process of the host was ended');
    if (this.#contacts > 0) losses.push('a socket of the host was reached');
    const now = settings();
    for (const [name, value] of this.#before.settings)
      if (now.get(name) !== value) losses.push(`${name} of the host was changed`);
    if (Math.abs(clockOffset() - this.#before.clock) > 3600_000) losses.push('the clock was changed');
    return losses;
  }

  close(): void {
    this.#restore();
    this.canary.kill('SIGKILL');
    for (const server of this.#servers) server.close();
    for (const folder of [this.folder, this.work]) rmSync(folder, { recursive: true, force: true });
  }

  /** Undoes the effects of an attack. */
  #restore(): void {
    const now = settings();
    for (const [name, value] of this.#before?.settings ?? [])
      if (name.startsWith('/') && now.get(name) !== value) writeFileSync(name, value);
  }

  #files(): string {
    const lines: string[] = [];
    const visit = (path: string) => {
      const info = lstatSync(path);
      const kind = info.isDirectory() ? 'dir' : info.isSymbolicLink() ? readlinkSync(path) : '';
      const content = info.isFile()
        ? createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 8)
        : kind;
      lines.push(
        `${path.slice(this.folder.length) || '.'} ${info.mode.toString(8)} ${info.uid}:${info.gid} ${content}`,
      );
      if (info.isDirectory()) for (const name of readdirSync(path).sort()) visit(join(path, name));
    };
    visit(this.folder);
    return lines.join(', ');
  }

  /** Adds a guarded folder. */
  subfolder(name: string): string {
    const path = join(this.folder, name);
    mkdirSync(path);
    chmodSync(path, 0o777);
    return path;
  }
}

function settings(): Map<string, string> {
  const found = new Map<string, string>([['host name', hostname()]]);
  const agents = readdirSync('/sys/fs/cgroup').map((name) => `/sys/fs/cgroup/${name}/release_agent`);
  for (const path of [...SETTINGS, ...agents]) {
    try {
      found.set(path, readFileSync(path, 'utf8'));
    } catch {
      // not on this kernel
    }
  }
  return found;
}

/** Offset of the clock from one that cannot be set. */
function clockOffset(): number {
  return Date.now() - performance.now();
}
