/// <reference path="./validator.d.ts" />
import validate from 'foster-compose-schema';
import { nearest } from '../../spec/nearest.js';
import { quoted } from '../../spec/parse/flag.js';
import type { FosterError } from '../../sys/errors.js';
import type { Path } from '../json.js';
import { errorAt, type Source } from '../source.js';
import { described, either, pathOf, typesIn, valueAt } from './words.js';

type SchemaError = NonNullable<typeof validate.errors>[number];

/** Checks a document with the schema of the Compose Specification. @throws FosterError that says where and what is wrong */
export function checkSchema(source: Source): void {
  if (validate(source.tree)) return;
  throw explained(source, validate.errors ?? []);
}

/**
 * Of the errors of all alternatives, those that are farthest inside of the document are about the alternative that was meant.
 */
function explained(source: Source, errors: readonly SchemaError[]): FosterError {
  const own = errors.filter(({ keyword }) => !['oneOf', 'anyOf'].includes(keyword));
  const depthOf = ({ instancePath }: SchemaError) => instancePath.split('/').length;
  const deepest = Math.max(...own.map(depthOf));
  const meant = own.filter((error) => depthOf(error) === deepest);
  const other = meant.find(({ keyword }) => keyword !== 'type');
  const [first] = meant;
  if (first === undefined) return errorAt([source], [], 'it does not fit the Compose Specification');
  const path = pathOf(source.tree, first.instancePath);
  if (other !== undefined) return ofKeyword(source, path, other);
  const expected = [...new Set(meant.flatMap(({ params }) => typesIn(params)))];
  return errorAt(
    [source],
    path,
    `expected ${either(expected)}, got ${described(valueAt(source.tree, path))}`,
  );
}

function ofKeyword(source: Source, path: Path, { keyword, params, message }: SchemaError): FosterError {
  switch (keyword) {
    case 'additionalProperties': {
      const name = String(params.additionalProperty);
      return unknownField(source, path, name);
    }
    case 'required':
      return errorAt([source], path, `${String(params.missingProperty)} is missing`);
    case 'enum': {
      const allowed = Array.isArray(params.allowedValues) ? params.allowedValues.map(String) : [];
      return errorAt(
        [source],
        path,
        `expected ${either(allowed)}, got ${described(valueAt(source.tree, path))}`,
      );
    }
    case 'uniqueItems':
      return errorAt(
        [source],
        [...path, Math.max(Number(params.i), Number(params.j))],
        'it is in the list twice',
      );
    case 'pattern':
      return errorAt(
        [source],
        path,
        `${described(valueAt(source.tree, path))} is not possible here: expected ${String(params.pattern)}`,
      );
    default:
      return errorAt([source], path, message ?? keyword);
  }
}

/** Where names may have any letters of these, the schema has no other rule. */
const NAMED = ['services', 'volumes', 'networks', 'secrets', 'configs', 'models', 'depends_on'];

function unknownField(source: Source, path: Path, name: string): FosterError {
  const place = path.at(-1);
  if (NAMED.includes(String(place)))
    return errorAt(
      [source],
      [...path, name],
      `${quoted(name)} is not a name: letters, digits, ".", "_" and "-" are allowed`,
    );
  const near = nearest(name, FIELDS);
  return errorAt([source], [...path, name], `the Compose Specification has no field ${quoted(name)} here`, {
    advice: near === undefined ? 'fields of your own begin with x-' : `did you mean ${near}?`,
  });
}

/** For a hint only: names of fields that are often mistyped. */
const FIELDS = (
  'services networks volumes secrets configs include name build image command entrypoint ports expose environment env_file ' +
  'depends_on healthcheck restart labels logging deploy profiles extends container_name hostname working_dir user init ' +
  'privileged read_only tmpfs sysctls ulimits cap_add cap_drop security_opt devices stop_signal stop_grace_period ' +
  'network_mode extra_hosts dns shm_size stdin_open tty pull_policy platform scale mem_limit cpus pids_limit context ' +
  'dockerfile args target cache_from condition interval timeout retries start_period test external driver driver_opts source ' +
  'published protocol replicas resources limits memory reservations file content aliases ipv4_address options'
).split(' ');
