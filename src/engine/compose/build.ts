import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Build, Project } from '../../compose/project.js';
import { parseAddHost } from '../../spec/hosts.js';
import { parseSize } from '../../spec/parse/sizes.js';
import { parseUlimits } from '../../spec/parse/ulimits.js';
import { FosterError } from '../../sys/errors.js';
import type { BuildRequest, NamedContext } from '../builds.js';
import { imageOf } from './make.js';
import { type Report, reporting } from './progress.js';
import { contentOf } from './project.js';

/** What `compose build` adds to what the files say. */
export interface BuildChoice {
  noCache?: boolean | undefined;
  pullsBase?: boolean | undefined;
  /** Values of ARG: undefined takes the caller's. */
  args?: Readonly<Record<string, string | undefined>> | undefined;
  quiet?: boolean | undefined;
  printLine: (line: string) => void;
}

/** Builds the image of a service. @returns its id; '' if nothing is done. @throws FosterError */
export async function buildService(
  project: Project,
  name: string,
  choice: BuildChoice,
  report: Report,
): Promise<string> {
  const build = project.services[name]?.build;
  const image = imageOf(project, name);
  if (build === undefined) throw new Error(`no build of ${name}`);
  const inline = build.dockerfile_inline;
  const folder = inline === undefined ? undefined : mkdtempSync(join(tmpdir(), 'foster-compose-'));
  try {
    const file = folder === undefined ? undefined : join(folder, 'Dockerfile');
    if (file !== undefined && inline !== undefined) writeFileSync(file, inline);
    let id = '';
    await reporting(report, 'Image', image, ['Building', 'Built'], async () => {
      const { build: run } = await import('../builds.js');
      const request = await requestOf(project, name, build, choice, file);
      id = await run(request, (line) => {
        if (!choice.quiet) choice.printLine(line);
      });
    });
    return id;
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}

async function requestOf(
  project: Project,
  name: string,
  build: Build,
  choice: BuildChoice,
  inline: string | undefined,
): Promise<BuildRequest> {
  const { buildRequest } = await import('../image-requests.js');
  const { env } = project;
  const where = (...path: string[]) => project.where(['services', name, 'build', ...path]);
  if (/^([a-z][a-z0-9+.-]*:|git@)/.test(build.context))
    throw new FosterError(`${where('context')}: contexts of other machines are not supported`, {
      kind: 'unsupported',
      exitCode: 1,
      advice: 'clone it first',
    });
  const args = { ...build.args, ...choice.args };
  const values = Object.entries(args).flatMap(([key, value]) => {
    const known = value ?? env[key];
    return known === undefined ? [] : [[key, known] as const];
  });
  const file =
    inline ?? (build.dockerfile === undefined ? undefined : resolve(build.context, build.dockerfile));
  const request = await buildRequest({
    context: build.context,
    ...(file !== undefined && { file }),
    tags: [imageOf(project, name), ...(build.tags ?? [])],
    buildArgs: Object.fromEntries(values),
    ...(build.target !== undefined && { target: build.target }),
    cache: !(choice.noCache ?? build.no_cache ?? false),
    pull: choice.pullsBase ?? build.pull ?? false,
    labels: build.labels ?? {},
    ...(build.network !== undefined && { network: build.network === 'default' ? 'bridge' : build.network }),
    secrets: secretsOf(project, build),
  });
  return {
    ...request,
    isQuiet: choice.quiet ?? false,
    platform: platformOf(build, where),
    contexts: new Map(
      Object.entries(build.additional_contexts ?? {}).map(([key, source]) => [
        key,
        contextOf(project, source, where),
      ]),
    ),
    agents: new Map(Object.entries(build.ssh ?? {}).map(([id, socket]) => [id, agentOf(socket, env, where)])),
    container: {
      ...request.container,
      addHosts: Object.entries(build.extra_hosts ?? {}).flatMap(([host, addresses]) =>
        addresses.map((address) => parseAddHost(`${host}:${address}`)),
      ),
      rlimits: parseUlimits(
        Object.entries(build.ulimits ?? {}).map(([key, { soft, hard }]) => `${key}=${soft}:${hard}`),
      ),
      ...(build.shm_size !== undefined && { shmSize: parseSize('shm_size', String(build.shm_size)) }),
    },
  };
}

/** A build is for one platform, which foster checks. */
function platformOf({ platforms = [] }: Build, where: (...path: string[]) => string): string | undefined {
  if (platforms.length < 2) return platforms[0];
  throw new FosterError(`${where('platforms')}: an image is built for one platform`, {
    kind: 'unsupported',
    exitCode: 1,
    advice: 'give only this one',
  });
}

function secretsOf(project: Project, { secrets = [] }: Build): Record<string, Uint8Array | string> {
  return Object.fromEntries(
    secrets.map(({ source, target = source }) => {
      const file = project.secrets[source]?.file;
      return [
        target,
        file === undefined ? (contentOf(project, 'secrets', source) ?? '') : readFileSync(file),
      ];
    }),
  );
}

function contextOf(project: Project, source: string, where: (...path: string[]) => string): NamedContext {
  const [, image] = /^docker-image:\/\/(.+)$/.exec(source) ?? [];
  if (image !== undefined) return { image };
  const [, service] = /^service:(.+)$/.exec(source) ?? [];
  if (service !== undefined) return { image: imageOf(project, service) };
  if (statSync(source, { throwIfNoEntry: false })?.isDirectory()) return { folder: source };
  throw new FosterError(`${where('additional_contexts')}: ${source} is not a directory`, {
    kind: 'invalid',
    exitCode: 1,
    advice: 'expected a directory, docker-image://IMAGE or service:NAME',
  });
}

function agentOf(
  socket: string,
  env: Readonly<Record<string, string | undefined>>,
  where: (...path: string[]) => string,
): string {
  const path = socket || env.SSH_AUTH_SOCK;
  if (path && statSync(path, { throwIfNoEntry: false })?.isSocket()) return path;
  throw new FosterError(
    `${where('ssh')}: ${path ? `${path} is not the socket of an SSH agent` : 'there is no SSH agent'}`,
    {
      kind: 'invalid',
      exitCode: 1,
      advice: 'start one with: eval $(ssh-agent)',
    },
  );
}
