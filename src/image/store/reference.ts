import { quoted } from '../../spec/parse/flag.js';
import { FosterError } from '../../sys/errors.js';

/** The parts of an image's name: distribution-spec, "Pulling manifests". */
export interface Reference {
  /** Host and port: `docker.io`, `localhost:5000`. */
  registry: string;
  /** `library/alpine` */
  repository: string;
  /** `latest` if neither tag nor digest was given. */
  tag: string | undefined;
  /** `sha256:` and 64 hexadecimal digits. */
  digest: string | undefined;
}

const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const REPOSITORY = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const REGISTRY = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const DEFAULT_REGISTRY = 'docker.io';
const MAX_NAME = 255;

/**
 * Reads `NAME[:TAG][@DIGEST]` with Docker's defaults: the registry docker.io, there the namespace `library`, the tag
 * `latest`.
 * @throws FosterError
 */
export function parseReference(text: string): Reference {
  const [, named = '', digest] = /^([^@]*)(?:@(.*))?$/s.exec(text) ?? [];
  if (digest !== undefined && !DIGEST.test(digest))
    throw invalid(text, 'a digest is sha256: and 64 hexadecimal digits');
  const colon = named.lastIndexOf(':');
  const hasTag = colon > named.lastIndexOf('/');
  const name = hasTag ? named.slice(0, colon) : named;
  const tag = hasTag ? named.slice(colon + 1) : undefined;
  if (tag !== undefined && !TAG.test(tag))
    throw invalid(text, 'a tag has up to 128 letters, digits, "_", "." and "-"');
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === 'localhost';
  const registry = isHost ? canonicalRegistry(first) : DEFAULT_REGISTRY;
  const path = isHost ? name.slice(slash + 1) : name;
  const repository = registry === DEFAULT_REGISTRY && !path.includes('/') ? `library/${path}` : path;
  if (name.length > MAX_NAME) throw invalid(text, `a name has up to ${MAX_NAME} characters`);
  if (!REGISTRY.test(registry) || !REPOSITORY.test(repository)) {
    throw invalid(text, 'a name has lower case letters and digits, with ".", "_" or "-" between them');
  }
  return { registry, repository, tag: tag ?? (digest === undefined ? 'latest' : undefined), digest };
}

function canonicalRegistry(host: string): string {
  return host === 'index.docker.io' ? DEFAULT_REGISTRY : host;
}

function invalid(text: string, problem: string): FosterError {
  return new FosterError(`${quoted(text)} is not a valid image name: ${problem}`, {
    kind: 'invalid',
    advice: 'expected something like alpine, alpine:3.20 or registry.example.com/team/app:1.0',
  });
}

/** Whether a name says more than the repository. */
export function hasTagOrDigest(name: string): boolean {
  return name.includes('@') || name.lastIndexOf(':') > name.lastIndexOf('/');
}

/** Whether it is a valid tag of an image. */
export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** The full name, as in the image store: `docker.io/library/alpine:latest`. */
export function formatReference({ registry, repository, tag, digest }: Reference): string {
  return `${registry}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/**
 * The full names that a reference may mean, the most likely first. An image that is built or tagged with a short name
 * is docker.io/library/NAME in Docker, and localhost/NAME in Podman: each is found by the other's name, too.
 */
export function candidateNames(reference: Reference): string[] {
  const { registry, repository } = reference;
  const [namespace, name = ''] = repository.startsWith('library/')
    ? ['library', repository.slice(8)]
    : ['', repository];
  const names = [formatReference(reference)];
  if (registry === DEFAULT_REGISTRY && namespace !== '')
    names.push(formatReference({ ...reference, registry: 'localhost', repository: name }));
  if (registry === 'localhost' && !repository.includes('/'))
    names.push(
      formatReference({ ...reference, registry: DEFAULT_REGISTRY, repository: `library/${repository}` }),
    );
  return names;
}

/** The short form that users write: without docker.io and library. */
export function familiarName(reference: Pick<Reference, 'registry' | 'repository'>): string {
  const { registry, repository } = reference;
  return registry === DEFAULT_REGISTRY ? repository.replace(/^library\//, '') : `${registry}/${repository}`;
}

/** The short form of a full name, with its tag or digest: `alpine:latest`. */
export function familiarReference(name: string): string {
  const { tag, digest, ...rest } = parseReference(name);
  return `${familiarName(rest)}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}
