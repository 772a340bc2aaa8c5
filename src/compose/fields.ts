import { isObject, type Json, type Path } from './json.js';
import type { Model } from './load.js';
import { errorAt, whereIn } from './source.js';

/**
 * What becomes of each field of the Compose Specification: docs/compose.md has this table, and a test compares it with the schema,
 * so that no field is ignored in silence.
 */

interface Fate {
  /** Honoured, said to have no effect, or refused. */
  fate: 'honoured' | 'no effect' | 'refused';
  /** Completes "has no effect: " or "is not supported: ", or adds something about a field that is honoured. */
  note?: string;
  advice?: string;
}

const one = 'foster runs containers on one machine';
const windows = 'it is for Windows containers';

/** Fields that are not simply honoured, by their paths; `*` is any name or place. */
const FATES: Readonly<Record<string, Fate>> = {
  version: {
    fate: 'no effect',
    note: 'there is one version of the Compose Specification',
    advice: 'leave it out',
  },
  models: { fate: 'refused', note: 'foster runs no language models' },
  'services.*.cpu_count': { fate: 'refused', note: windows, advice: 'use cpus' },
  'services.*.cpu_percent': { fate: 'refused', note: windows, advice: 'use cpus' },
  'services.*.credential_spec': { fate: 'refused', note: windows },
  'services.*.isolation': { fate: 'refused', note: windows },
  'services.*.build.isolation': { fate: 'refused', note: windows },
  'services.*.device_cgroup_rules': {
    fate: 'refused',
    note: 'a container can open the devices that are in its /dev, and their file modes decide about the rest',
    advice: 'use devices',
  },
  'services.*.external_links': {
    fate: 'refused',
    note: 'containers of a network find each other by name',
    advice: 'use an external network',
  },
  'services.*.gpus': {
    fate: 'refused',
    note: 'foster does not know which devices belong to a GPU',
    advice: 'use devices',
  },
  'services.*.models': { fate: 'refused', note: 'foster runs no language models' },
  'services.*.provider': { fate: 'refused', note: 'foster does not run other programs to make services' },
  'services.*.runtime': { fate: 'refused', note: 'foster starts containers itself' },
  'services.*.storage_opt': {
    fate: 'refused',
    note: 'foster determines how the files of containers are mounted',
  },
  'services.*.use_api_socket': { fate: 'refused', note: 'foster has no daemon' },
  'services.*.pull_refresh_after': {
    fate: 'refused',
    note: 'foster does not know when an image was pulled last',
    advice: 'use pull_policy: always',
  },
  'services.*.build.entitlements': { fate: 'refused', note: 'a build has the rights of its containers' },
  'services.*.build.privileged': { fate: 'refused', note: 'a build has the rights of its containers' },
  'services.*.build.cache_from': { fate: 'no effect', note: 'steps are cached on this machine' },
  'services.*.build.cache_to': { fate: 'no effect', note: 'steps are cached on this machine' },
  'services.*.deploy.mode': { fate: 'no effect', note: one },
  'services.*.deploy.endpoint_mode': { fate: 'no effect', note: one },
  'services.*.deploy.placement': { fate: 'no effect', note: one },
  'services.*.deploy.labels': {
    fate: 'no effect',
    note: 'they are for services, and there are only containers',
    advice: 'use labels',
  },
  'services.*.deploy.update_config': { fate: 'no effect', note: one },
  'services.*.deploy.rollback_config': { fate: 'no effect', note: one },
  'services.*.deploy.restart_policy.delay': {
    fate: 'no effect',
    note: 'foster waits longer after each restart by itself',
  },
  'services.*.deploy.restart_policy.window': {
    fate: 'no effect',
    note: 'foster decides itself when a restart has succeeded',
  },
  'services.*.deploy.resources.reservations.cpus': { fate: 'no effect', note: one },
  'services.*.deploy.resources.reservations.devices': {
    fate: 'refused',
    note: 'foster does not know which devices belong to a GPU',
    advice: 'use devices',
  },
  'services.*.deploy.resources.reservations.generic_resources': { fate: 'refused', note: one },
  'services.*.networks.*.link_local_ips': {
    fate: 'refused',
    note: 'addresses come from the network',
    advice: 'use ipv4_address',
  },
  'networks.*.ipam.options': { fate: 'refused', note: 'foster chooses addresses itself' },
  'secrets.*.labels': { fate: 'no effect', note: 'there is no store for secrets' },
  'configs.*.labels': { fate: 'no effect', note: 'there is no store for configs' },
  'secrets.*.external': {
    fate: 'refused',
    note: 'there is no store for secrets',
    advice: 'use file or environment',
  },
  'secrets.*.driver': {
    fate: 'refused',
    note: 'there is no store for secrets',
    advice: 'use file or environment',
  },
  'secrets.*.driver_opts': { fate: 'refused', note: 'there is no store for secrets' },
  'secrets.*.template_driver': { fate: 'refused', note: 'secrets are used as they are' },
  'configs.*.external': {
    fate: 'refused',
    note: 'there is no store for configs',
    advice: 'use file, environment or content',
  },
  'configs.*.template_driver': {
    fate: 'refused',
    note: 'configs are used as they are',
    advice: 'variables in content are replaced',
  },
};

/** What to know about fields that are honoured. */
const NOTES: Readonly<Record<string, string>> = {
  'services.*.cpus': 'limits need a cgroup: docs/limits.md',
  'services.*.devices':
    'the mode of the device node decides who may open it; permissions must include r and w',
  'services.*.init': 'true by default: foster-init is PID 1; false runs the command itself as PID 1',
  'services.*.links': 'the other service gets this name in the networks that both are in',
  'services.*.deploy.resources.limits': 'as mem_limit, cpus and pids_limit',
  'services.*.deploy.resources.reservations.memory': 'as mem_reservation',
  'services.*.deploy.restart_policy': 'condition and max_attempts, if there is no restart',
  'services.*.depends_on': 'for up, start, restart and run; required: false and restart, too',
  'services.*.post_start': 'run by up and start, not when the restart policy restarts a container',
  'services.*.pre_stop': 'run by down and stop, not when a container ends by itself',
  'services.*.platform': "only this machine's platform can be run",
  'services.*.secrets':
    'of a file: mounted read-only; of a variable: copied into the container with uid, gid and mode',
  'services.*.configs': 'as secrets; content, too',
  'services.*.userns_mode': 'host, keep-id and auto, as for foster run --userns',
  'networks.*.driver': 'bridge',
  'volumes.*.driver': 'local',
  'networks.*.attachable': 'any container can be attached to any network',
};

/** What becomes of a field, by its path with `*` for names. */
export function fateOf(path: string): Fate {
  const note = NOTES[path];
  return FATES[path] ?? { fate: 'honoured', ...(note !== undefined && { note }) };
}

/** The fields that have an entry of their own. */
export function describedFields(): string[] {
  return [...new Set([...Object.keys(FATES), ...Object.keys(NOTES)])].sort();
}

/**
 * Warns of fields without an effect.
 * @param active only these services count
 * @throws FosterError for a field that is refused
 */
export function checkFields(model: Model, active: readonly string[], warn: (sentence: string) => void): void {
  const check = (steps: readonly string[], value: Json | undefined, path: Path, fate: Fate): void => {
    const [step, ...rest] = steps;
    if (step === undefined) judge(value, path, fate);
    else if (step === '*' && Array.isArray(value)) {
      for (const [index, below] of value.entries()) check(rest, below, [...path, index], fate);
    } else if (isObject(value)) {
      for (const key of step === '*' ? Object.keys(value) : [step])
        if (Object.hasOwn(value, key)) check(rest, value[key], [...path, key], fate);
    }
  };
  const judge = (value: Json | undefined, path: Path, { fate, note, advice }: Fate): void => {
    if (value === undefined || value === null || value === false) return;
    if (Array.isArray(value) && value.length === 0) return;
    if (path.at(-1) === 'isolation' && value === 'default') return;
    if (fate === 'refused')
      throw errorAt(model.sources, path, `${String(path.at(-1))} is not supported: ${note}`, {
        advice,
        kind: 'unsupported',
      });
    warn(`${whereIn(model.sources, path)}: it has no effect: ${note}`);
  };
  const services = Object.fromEntries(active.map((name) => [name, model.services[name] ?? null]));
  const whole = { ...model, sources: null, services } as unknown as Json;
  const tops = Object.assign(
    {},
    ...model.sources.map(({ tree }) => ({ version: tree.version, models: tree.models })),
  );
  for (const [path, fate] of Object.entries(FATES)) {
    const steps = path.split('.');
    check(steps, steps.length === 1 ? tops : whole, [], fate);
  }
}
