import { isObject, type Json, type JsonObject, sorted } from '../../compose/json.js';
import type { Project } from '../../compose/project.js';
import { hashOf } from './make.js';
import { imageNames } from './views.js';

export { hashOf, imageNames };

/** The whole of a project in long forms, as `docker compose config` prints it. */
export function canonicalModel(project: Project): JsonObject {
  const { name, services, networks, volumes, secrets, configs, extensions } = project;
  const plain = JSON.parse(
    JSON.stringify({
      services: Object.fromEntries(
        Object.entries(services).map(([key, service]) => [
          key,
          { ...service, env_file: undefined, ...networksField(service) },
        ]),
      ),
      networks,
      volumes,
      secrets,
      configs,
    }),
  ) as JsonObject;
  const filled = Object.entries(plain).filter(([, one]) => isObject(one) && Object.keys(one).length > 0);
  return {
    name,
    ...Object.fromEntries(filled.map(([key, one]) => [key, withOctalModes(sorted(one))])),
    ...(sorted(extensions as JsonObject) as JsonObject),
  };
}

function networksField({ network_mode, networks }: Project['services'][string]): object {
  return network_mode === undefined && networks === undefined ? { networks: { default: null } } : {};
}

/** The modes of secrets and configs in octal, as they are written. */
function withOctalModes(value: Json): Json {
  if (Array.isArray(value)) return value.map(withOctalModes);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key,
      key === 'mode' && typeof one === 'number' && value.source !== undefined
        ? `0${one.toString(8)}`
        : withOctalModes(one),
    ]),
  );
}

/** As YAML. A `$` is doubled, so that the text can be read again. */
export async function modelText(model: JsonObject, format: 'yaml' | 'json'): Promise<string> {
  if (format === 'json') return `${JSON.stringify(model, null, 2)}\n`;
  const { stringify } = await import('yaml');
  return stringify(withDollars(model), { lineWidth: 0, aliasDuplicateObjects: false, nullStr: 'null' });
}

function withDollars(value: Json): Json {
  if (typeof value === 'string') return value.replaceAll('$', '$$$$');
  if (Array.isArray(value)) return value.map(withDollars);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withDollars(one)]));
}

/** Lines of `KEY HASH`. @param wanted names of services, or `*` */
export function hashes(project: Project, wanted: string): string[] {
  const names = wanted === '*' ? Object.keys(project.services) : wanted.split(',');
  return names.map((name) => `${name} ${hashOf(project, name)}`);
}
