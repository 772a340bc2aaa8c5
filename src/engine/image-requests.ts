import { usualSettings } from '../build/options.js';
import { parseBuildNetwork, usualNetwork } from '../spec/parse/network.js';
import { parseLimits } from '../spec/parse/resources.js';
import { surroundings } from '../sys/surroundings.js';
import type { BuildRequest } from './builds.js';
import { fullName, type RegistryAccess, type TransferRequest } from './images.js';
import { limitFlags } from './request.js';
import type { BuildOptions, RegistryOptions } from './types.js';

/** Turns the library's options into requests. */

export function transferRequest(options: RegistryOptions & { platform?: string }): TransferRequest {
  const { progress } = surroundings();
  return {
    ...accessOf(options),
    platform: options.platform,
    progress: { printLine: progress, stream: undefined },
  };
}

export async function buildRequest(options: BuildOptions): Promise<BuildRequest> {
  return {
    context: options.context,
    file: options.file,
    tags: await Promise.all((options.tags ?? []).map(fullName)),
    buildArgs: new Map(Object.entries(options.buildArgs ?? {})),
    target: options.target,
    useCache: options.cache ?? true,
    pull: options.pull ? 'always' : 'missing',
    labels: { ...options.labels },
    network: parseBuildNetwork(options.network, usualNetwork(surroundings().env.FOSTER_NETWORK)),
    timestamp: options.timestamp,
    isQuiet: false,
    iidfile: undefined,
    platform: undefined,
    secrets: new Map(Object.entries(options.secrets ?? {}).map(([id, value]) => [id, Buffer.from(value)])),
    container: usualSettings(),
    limits: parseLimits(limitFlags(options.limits)),
    agents: new Map(),
    contexts: new Map(),
    from: undefined,
    uncachedStages: [],
    annotations: {},
    env: [],
    unsetEnv: [],
    format: 'oci',
    squashesAll: false,
    omitsHistory: false,
    ignoreFile: undefined,
    access: accessOf(options),
  };
}

function accessOf({ tlsVerify = true, credentials }: RegistryOptions): RegistryAccess {
  return { tlsVerify, creds: credentials && { ...credentials, source: 'the options of the call' } };
}
