import { closeSync, openSync, readSync } from 'node:fs';
import { unseen } from '../sys/sightings.js';
import { flagError } from './parse/flag.js';

const ADJECTIVES = (
  'able agile amber ample apt ardent azure blithe bold brave breezy bright brisk calm candid cheery civil clever ' +
  'cosy crisp curious dapper daring deft eager early earnest fair fleet fond frank free gentle glad golden hardy ' +
  'hearty humble ideal jolly keen kind lively loyal lucid mellow merry mild nimble noble patient placid plucky ' +
  'proud quick quiet ready sage silver sunny swift tidy'
).split(' ');

const NOUNS = (
  'acorn alder aspen badger beaver beech birch bison cedar clover condor coral crane curlew cypress dahlia dolphin ' +
  'dove egret elder elm falcon fern finch fir gecko ginkgo hare hawthorn hazel heron holly ibis iris ivy jackdaw ' +
  'kestrel lark larch linden lotus lynx magpie maple marten newt oak orchid osprey otter pine plover poplar puffin ' +
  'raven robin rowan sparrow spruce stork swallow tern'
).split(' ');

/** Podman's syntax, of containers and volumes. Docker's is the same, except that it refuses names of a single character. Also valid for file names. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
const MAX_NAME_LENGTH = 128;

/**
 * Parses a container name.
 * @param source the option that it was given with, for the error
 * @throws FosterError
 */
export function parseName(value: string, source = '--name'): string {
  if (!NAME.test(value)) {
    throw flagError(
      source,
      value,
      'a name consists of the characters A-Z, a-z, 0-9, "_", "." and "-", and starts with a letter or digit',
    );
  }
  if (value.length > MAX_NAME_LENGTH) {
    throw flagError(source, value, `a name can have at most ${MAX_NAME_LENGTH} characters`);
  }
  return value;
}

/** A folder has its name: NAME_MAX. */
const MAX_VOLUME_NAME_LENGTH = 255;

/** Whether a volume can have this name. */
export function isVolumeName(text: string): boolean {
  return NAME.test(text) && text.length <= MAX_VOLUME_NAME_LENGTH;
}

/**
 * Parses the name of a volume.
 * @param flag the option that it was given with
 * @throws FosterError
 */
export function parseVolumeName(flag: string, value: string, name: string): string {
  if (isVolumeName(name)) return name;
  throw flagError(
    flag,
    value,
    'the name of a volume has up to 255 letters, digits, "_", "." or "-", and starts with a letter or digit',
  );
}

/**
 * Parses a host name for the container: up to 64 bytes (sethostname(2)) of the characters that host name labels may
 * have.
 * @throws FosterError
 */
export function parseHostname(value: string): string {
  return checkedHostname('--hostname', value);
}

/**
 * Parses a NIS domain name for the container: setdomainname(2).
 * @throws FosterError
 */
export function parseDomainname(value: string): string {
  return checkedHostname('--domainname', value);
}

function checkedHostname(flag: string, value: string): string {
  if (
    value.length > 64 ||
    !/^[a-zA-Z0-9]([a-zA-Z0-9_-]*[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9_-]*[a-zA-Z0-9])?)*$/.test(value)
  ) {
    throw flagError(flag, value, 'a host name can have at most 64 letters, digits, "-" and "."');
  }
  return value;
}

/** A new container id: 32 random bytes as 64 hexadecimal digits. */
export function randomId(): string {
  return randomBytes(32).toString('hex');
}

/** Whether `text` is a full container id. */
export function isId(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

/** The words of random names, with spaces between them: an adjective, `_` and a noun. */
export const NAME_WORDS = { adjectives: ADJECTIVES.join(' '), nouns: NOUNS.join(' ') };

/** A random name for a container, such as `brave_otter`. It may be in use: try again then. */
export function randomName(): string {
  return nameFrom(randomBytes(2));
}

/** The name for two random bytes. */
export function nameFrom(bytes: Uint8Array): string {
  const [first = 0, second = 0] = bytes;
  return `${ADJECTIVES[first % ADJECTIVES.length]}_${NOUNS[second % NOUNS.length]}`;
}

/** From the kernel: loading node:crypto for a few bytes takes 1.4 ms. */
function randomBytes(count: number): Buffer {
  const bytes = Buffer.alloc(count);
  const descriptor = unseen(() => openSync('/dev/urandom', 'r'));
  try {
    // a read of up to 256 bytes is never partial: random(4)
    readSync(descriptor, bytes, 0, count, null);
  } finally {
    closeSync(descriptor);
  }
  return bytes;
}
