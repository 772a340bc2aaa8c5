import { existsSync, readFileSync, statSync, watch } from 'node:fs';
import { basename, join, posix, relative, sep } from 'node:path';
import { IgnoreRules } from '../../build/context/patterns.js';
import type { Project, WatchRule } from '../../compose/project.js';
import { isAlive } from '../../container/store.js';
import { FosterError } from '../../sys/errors.js';
import { surroundings } from '../../sys/surroundings.js';
import { restart } from '../containers.js';
import { copy } from '../copy.js';
import { exec } from '../exec.js';
import { buildService } from './build.js';
import { runHook } from './hooks.js';
import type { Report } from './progress.js';
import { containersOf } from './state.js';
import { up } from './up.js';

/** Milliseconds without another change after which the changes are acted upon. */
const QUIET = 300;

/** What a watch tells its caller. */
export interface WatchOutput {
  report: Report;
  printLine: (line: string) => void;
}

/** The services that have rules in develop.watch. @throws FosterError if none has */
export function watchedServices({ services }: Project, named: readonly string[]): string[] {
  const found = Object.keys(services).filter(
    (name) =>
      (named.length === 0 || named.includes(name)) && (services[name]?.develop?.watch ?? []).length > 0,
  );
  if (found.length > 0) return found;
  throw new FosterError('no service has rules in develop.watch', {
    kind: 'invalid',
    exitCode: 1,
    advice: 'add develop: { watch: [{ path: ./src, action: sync, target: /app/src }] }',
  });
}

/** Copies, builds and restarts what the rules of services say when files change, until `signal`. */
export async function watchProject(
  project: Project,
  services: readonly string[],
  output: WatchOutput,
  signal: AbortSignal,
): Promise<void> {
  const rules = services.flatMap((service) =>
    (project.services[service]?.develop?.watch ?? []).map(
      (rule) => new Watched(project, service, rule, output),
    ),
  );
  await Promise.all(rules.map((rule) => rule.run(signal)));
}

class Watched {
  readonly #ignored: IgnoreRules;
  readonly #included: IgnoreRules | undefined;
  readonly #changed = new Set<string>();

  constructor(
    readonly project: Project,
    readonly service: string,
    readonly rule: WatchRule,
    readonly output: WatchOutput,
  ) {
    const { path, action, target, ignore = [], include } = rule;
    const where = project.where(['services', service, 'develop', 'watch']);
    if (!existsSync(path))
      throw new FosterError(`${where}: ${path} does not exist`, { kind: 'invalid', exitCode: 1 });
    if (action.startsWith('sync') && target === undefined)
      throw new FosterError(`${where}: ${action} needs a target`, { kind: 'invalid', exitCode: 1 });
    const dockerignore = join(path, '.dockerignore');
    const lines = existsSync(dockerignore) ? readFileSync(dockerignore, 'utf8').split('\n') : [];
    this.#ignored = new IgnoreRules([...lines, ...ignore, '.git'].join('\n'));
    this.#included = include === undefined ? undefined : new IgnoreRules(include.join('\n'));
  }

  async run(signal: AbortSignal): Promise<void> {
    const isFolder = statSync(this.rule.path).isDirectory();
    let timer: NodeJS.Timeout | undefined;
    let work = Promise.resolve();
    const act = () => {
      const changes = [...this.#changed];
      this.#changed.clear();
      work = work.then(() => this.#act(changes)).catch((error: unknown) => this.#explain(error));
    };
    const watcher = watch(this.rule.path, { recursive: isFolder, signal }, (_, name) => {
      const file = isFolder ? (name ?? '') : '';
      if (!this.#isWanted(file)) return;
      this.#changed.add(file);
      clearTimeout(timer);
      timer = setTimeout(act, QUIET);
    });
    watcher.on('error', () => {}); // aborted
    await new Promise((done) => signal.addEventListener('abort', done, { once: true }));
    clearTimeout(timer);
    await work;
  }

  #isWanted(file: string): boolean {
    if (file === '') return true;
    const path = file.split(sep).join('/');
    return !this.#ignored.ignores(path) && (this.#included?.ignores(path) ?? true);
  }

  #explain(error: unknown): void {
    surroundings().warn(error instanceof FosterError ? error.sentence : String(error));
  }

  async #act(files: string[]): Promise<void> {
    const { rule, service, output } = this;
    output.printLine(
      `${service}: ${rule.action} after ${files.length === 1 ? files[0] || basename(rule.path) : `${files.length} changes`}`,
    );
    if (rule.action === 'rebuild') return await this.#rebuild();
    const containers = containersOf(this.project.name).filter(
      (one) => one.service === service && isAlive(one.container.state),
    );
    for (const { id } of containers) {
      if (rule.action.startsWith('sync')) for (const file of files) await this.#sync(id, file);
      if (rule.action.endsWith('restart')) await restart(id);
      if (rule.action === 'sync+exec' && rule.exec !== undefined)
        await runHook(id, rule.exec, this.project.env);
    }
    output.printLine(`${service}: done`);
  }

  async #sync(id: string, file: string): Promise<void> {
    const source = join(this.rule.path, file);
    const target = posix.join(this.rule.target ?? '/', file.split(sep).join('/'));
    if (!existsSync(source)) {
      await exec(id, { command: ['rm', '-rf', '--', target], user: '0' });
      return;
    }
    const isFolder = statSync(source).isDirectory();
    await exec(id, { command: ['mkdir', '-p', '--', isFolder ? target : posix.dirname(target)], user: '0' });
    await copy({
      direction: 'in',
      container: id,
      source: isFolder ? `${relative(process.cwd(), source) || '.'}/.` : source,
      destination: target,
      archive: false,
      followLink: false,
      overwrite: true,
    });
  }

  async #rebuild(): Promise<void> {
    const { project, service, output } = this;
    const { printLine, report } = output;
    if (project.services[service]?.build !== undefined)
      await buildService(project, service, { printLine, quiet: true }, report);
    const images = { build: 'never' as const, printLine, quiet: true };
    await up(project, { services: [service], noDeps: true, images }, report);
    printLine(`${service}: done`);
  }
}
