import { readBundle } from '../container/bundle.js';
import { type RunContext, type RunFlags, toRequest } from '../spec/parse/run-request.js';
import type { RunRequest } from '../spec/request.js';
import { FosterError } from '../sys/errors.js';

/** The flags of `run` that --bundle allows: a config.json has nothing like them. */
const WITH_BUNDLE: ReadonlySet<string> = new Set<keyof RunFlags>([
  'name',
  'replace',
  'detach',
  'detachKeys',
  'attach',
  'sigProxy',
  'pidfile',
  'restart',
  'rm',
  'label',
  'labelFile',
  'quiet',
  'cidfile',
  'interactive',
  'stopSignal',
  'stopTimeout',
  'timeout',
  'healthOnFailure',
  'init',
  'initSignalGroup',
  'initVerbose',
  'logOpt',
  'logDriver',
  'healthCmd',
  'healthInterval',
  'healthTimeout',
  'healthStartPeriod',
  'healthStartInterval',
  'healthRetries',
  'healthcheck',
  'ignoreUnenforcedLimits',
  'dryRun',
  'explain',
]);

/**
 * The request for a container made from an OCI bundle.
 * @param folder absolute path of the folder with the config.json
 * @param given the flags that the user gave
 * @throws FosterError for flags that belong in the config.json, and for an invalid config.json
 */
export function bundleRequest(folder: string, given: RunFlags, context: RunContext): RunRequest {
  for (const flag of Object.keys(given)) {
    const [attribute = ''] = flag.split('='); // commander's name of `--rm=true`
    if (WITH_BUNDLE.has(attribute)) continue;
    const name = attribute.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new FosterError(`--${name} and --bundle cannot be used together`, {
      kind: 'invalid',
      advice: 'change the config.json of the bundle',
    });
  }
  const bundle = readBundle(folder);
  const request = toRequest(folder, [], given, [], context);
  const tty = bundle.config.process?.terminal ?? false;
  // a terminal without input is of little use
  return { ...request, bundle, tty, interactive: request.interactive || tty };
}

/** Writes the config.json of an OCI bundle for a request. @throws FosterError if there is one already */
export async function writeConfig(path: string, request: RunRequest): Promise<void> {
  const { writeDefaultConfig } = await import('../container/default-config.js');
  writeDefaultConfig(path, request);
}
