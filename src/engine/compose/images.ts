import type { Project, Service } from '../../compose/project.js';
import { FosterError } from '../../sys/errors.js';
import { imageOf } from './make.js';
import { type Report, reporting } from './progress.js';

export interface ImageRequest {
  /** Build images that are missing, all, or none. */
  build: 'missing' | 'always' | 'never';
  /** `always`, `missing` or `never`, in place of what the files say. */
  pull?: string | undefined;
  /** Print nothing while images are pulled. */
  quiet?: boolean | undefined;
  /** Receives a line about a pull or a build. */
  printLine: (line: string) => void;
}

/** Makes sure that the images of services are there, by pulling and building. @throws FosterError */
export async function prepareImages(
  project: Project,
  services: Iterable<string>,
  request: ImageRequest,
  report: Report,
): Promise<void> {
  const pulls = new Map<string, Service>();
  for (const name of services) {
    const service = project.services[name];
    if (service === undefined) continue;
    const policy = policyOf(project, name, service, request.pull);
    const image = imageOf(project, name);
    if (service.build !== undefined && policy !== 'always' && policy !== 'never') {
      const isWanted = request.build === 'always' || policy === 'build' || !(await isPresent(image));
      if (isWanted && request.build !== 'never') {
        const { buildService } = await import('./build.js');
        await buildService(project, name, request, report);
      }
    } else if (policy === 'always' || (policy === 'missing' && !(await isPresent(image))))
      pulls.set(image, service);
  }
  await Promise.all([...pulls].map(([image, service]) => pullImage(image, service, request, report)));
}

/** Pulls the images of services. @throws FosterError */
export async function pullImages(
  project: Project,
  services: Iterable<string>,
  request: Omit<ImageRequest, 'build'>,
  report: Report,
): Promise<void> {
  const pulls = new Map<string, Service>();
  for (const name of services) {
    const service = project.services[name];
    if (service === undefined || (service.image === undefined && service.build !== undefined)) continue;
    const image = imageOf(project, name);
    const policy = policyOf(project, name, service, request.pull ?? 'always');
    if (policy === 'always' || !(await isPresent(image))) pulls.set(image, service);
  }
  await Promise.all([...pulls].map(([image, service]) => pullImage(image, service, request, report)));
}

async function pullImage(
  image: string,
  service: Service,
  { quiet, printLine }: Omit<ImageRequest, 'build'>,
  report: Report,
): Promise<void> {
  if (await isRecipe(image)) return; // foster makes it itself
  const { pull } = await import('../images.js');
  const { platformOf } = await import('../../spec/parse/platform.js');
  const progress = quiet ? undefined : { printLine, stream: undefined };
  const { platform: wanted } = service;
  const platform = wanted === undefined ? undefined : platformOf({ platform: wanted }, process.arch);
  await reporting(report, 'Image', image, ['Pulling', 'Pulled'], async () => {
    await pull(image, { tlsVerify: true, progress, platform, policy: 'always' });
  });
}

/** Whether there is nothing to pull. */
async function isPresent(image: string): Promise<boolean> {
  if (await isRecipe(image)) return true;
  const { findImage } = await import('../../image/store/images.js');
  return findImage(image) !== undefined;
}

/** Whether it is a root filesystem that foster makes itself: an image of the same name has precedence. */
async function isRecipe(image: string): Promise<boolean> {
  const { RECIPE_NAMES } = await import('../../image/rootfs/recipe.js');
  if (!RECIPE_NAMES.includes(image)) return false;
  const { findImage } = await import('../../image/store/images.js');
  return findImage(image) === undefined;
}

const POLICIES: Readonly<Record<string, 'always' | 'missing' | 'never' | 'build'>> = {
  always: 'always',
  missing: 'missing',
  if_not_present: 'missing',
  never: 'never',
  build: 'build',
};

function policyOf(project: Project, name: string, { pull_policy }: Service, given: string | undefined) {
  const written = given ?? pull_policy ?? 'missing';
  const policy = Object.hasOwn(POLICIES, written) ? POLICIES[written] : undefined;
  if (policy !== undefined) return policy;
  const where = project.where(['services', name, 'pull_policy']);
  const isTimed = /^(daily|weekly|every_.*)$/.test(written);
  throw new FosterError(
    isTimed
      ? `${where}: ${written} is not supported: foster does not know when an image was pulled last`
      : `${where}: expected always, missing, never or build, got ${JSON.stringify(written)}`,
    { kind: isTimed ? 'unsupported' : 'invalid', exitCode: 1, ...(isTimed && { advice: 'use always' }) },
  );
}
