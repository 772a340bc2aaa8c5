import type { ContainerRecord } from '../../container/record.js';
import { findContainer } from '../../container/store.js';
import {
  claimObject,
  containerObject,
  type Existing,
  type KubeFields,
  podObject,
  serviceObject,
} from '../../kube/generate/pod.js';
import { findPod, withoutInfra } from '../../pod/store.js';
import { FosterError } from '../../sys/errors.js';
import { surroundings } from '../../sys/surroundings.js';
import { readVolume } from '../../volume/store.js';
import * as images from '../images.js';
import * as pods from '../pods.js';

/**
 * A file of Kubernetes that plays back to what exists.
 * @param names pods, containers and volumes
 * @param options.service adds a service for each pod with ports
 * @throws FosterError if there is no such thing, or a container is not made from an image
 */
export async function generate(
  names: readonly string[],
  { service = false }: { service?: boolean | undefined } = {},
): Promise<string> {
  const objects: KubeFields[] = [];
  for (const name of names) objects.push(...(await objectsFor(name, service)));
  const { stringify } = await import('yaml');
  const documents = objects.map((object) =>
    stringify(object, { lineWidth: 0, aliasDuplicateObjects: false, singleQuote: false }),
  );
  return `# What foster kube generate has made of ${names.join(', ')}: foster kube play makes it again.\n${documents.join('---\n')}`;
}

async function objectsFor(name: string, service: boolean): Promise<KubeFields[]> {
  const context = { volumeOf: readVolume, warn: surroundings().warn };
  if (await pods.exists(name)) {
    const pod = findPod(name);
    const members = [];
    for (const container of withoutInfra(pod)) members.push(await existing(container));
    const object = podObject(pod.record, members, context);
    return withService(object, service);
  }
  const volume = readVolume(name);
  if (volume !== undefined) return [claimObject(volume)];
  return withService(containerObject(await existing(findContainer(name)), context), service);
}

function withService(object: KubeFields, service: boolean): KubeFields[] {
  const more = service ? serviceObject(object) : undefined;
  return more === undefined ? [object] : [object, more];
}

async function existing({ record }: { record: ContainerRecord }): Promise<Existing> {
  const { readRestart } = await import('../../container/store.js');
  if (record.image === undefined && /^[./]/.test(record.root))
    throw new FosterError(
      `container ${record.name} is made from ${record.root}, and files of Kubernetes name images`,
      {
        kind: 'unsupported',
        exitCode: 1,
        advice: `make an image of it: foster commit ${record.name} NAME`,
      },
    );
  return { record, restart: readRestart(record.id), imageEnv: await envOf(record) };
}

/** The variables that the image of a container sets. */
async function envOf({ image }: ContainerRecord): Promise<string[]> {
  if (image === undefined) return [];
  try {
    const { Config: config } = (await images.inspect(image.id ?? image.name)) as {
      Config?: { Env?: string[] };
    };
    return config?.Env ?? [];
  } catch {
    return []; // it has been removed
  }
}
