/// <reference path="./schema/validator.d.ts" />
import schema from 'foster-kube-schema';
import { isObject, type Json, type JsonObject, type Path } from '../compose/json.js';
import { described, either, pathOf, typesIn, valueAt } from '../compose/schema/words.js';
import { nearest } from '../spec/nearest.js';
import { quoted } from '../spec/parse/flag.js';
import type { FosterError } from '../sys/errors.js';
import type { Place } from './place.js';

type SchemaError = NonNullable<(typeof schema.kinds)[string]['errors']>[number];

/** What a field is that foster does not honour. */
interface Fault {
  path: Path;
  error: FosterError;
}

/** Called with a field that is left out. */
export type Ignore = (error: FosterError) => void;

export const KINDS = Object.keys(schema.kinds);

/**
 * Checks an object, and leaves out fields that are unknown or not honoured.
 * @param ignore receives why a field is left out; undefined to refuse them
 * @throws FosterError that names the field, with the file, line and column
 */
export function checkObject(kind: string, tree: JsonObject, place: Place, ignore: Ignore | undefined): void {
  const validate = schema.kinds[kind];
  if (validate === undefined || validate(tree)) return;
  const errors = validate.errors ?? [];
  const refused = new Set(errors.filter(isRefusal).map(({ instancePath }) => instancePath));
  const soft: Fault[] = [];
  for (const error of errors) {
    const isPartOfRefusal = refused.has(error.instancePath) && !isRefusal(error);
    if (isPartOfRefusal) continue;
    const fault = faultOf(error, tree, place);
    if (ignore === undefined || !isLeftOut(error)) throw fault.error;
    soft.push(fault);
  }
  for (const { path, error } of soft) {
    ignore?.(error);
    leaveOut(tree, path);
  }
}

function isRefusal({ keyword }: SchemaError): boolean {
  return keyword === 'refused';
}

function isLeftOut({ keyword }: SchemaError): boolean {
  return keyword === 'refused' || keyword === 'additionalProperties';
}

function leaveOut(tree: JsonObject, path: Path): void {
  const above = valueAt(tree, path.slice(0, -1));
  if (isObject(above)) delete above[String(path.at(-1))];
}

function faultOf(
  { instancePath, keyword, params, message, schema: why }: SchemaError,
  tree: Json,
  place: Place,
): Fault {
  const path = pathOf(tree, instancePath);
  const at = place.below(...path);
  const value = valueAt(tree, path);
  switch (keyword) {
    case 'refused':
      return { path, error: at.refusal(`it is not supported: ${String(why)}`, LEAVE_OUT) };
    case 'additionalProperties': {
      const name = String(params.additionalProperty);
      const near = nearest(name, [...schema.fields]);
      const advice = near === undefined || near === name ? LEAVE_OUT : `did you mean ${near}?`;
      return {
        path: [...path, name],
        error: at.below(name).refusal(`there is no field ${quoted(name)} here`, advice),
      };
    }
    case 'required':
      return { path, error: at.error(`${String(params.missingProperty)} is missing`) };
    case 'type':
      return { path, error: at.error(`expected ${either(typesIn(params))}, got ${described(value)}`) };
    case 'enum': {
      const allowed = Array.isArray(params.allowedValues) ? params.allowedValues.map(shown) : [];
      return { path, error: at.error(`expected ${either(allowed)}, got ${described(value)}`) };
    }
    case 'minItems':
      return { path, error: at.error('the list is empty') };
    case 'minimum':
    case 'maximum':
      return {
        path,
        error: at.error(
          `expected a number ${String(params.comparison)} ${String(params.limit)}, got ${described(value)}`,
        ),
      };
    default:
      return { path, error: at.error(message ?? keyword) };
  }
}

const LEAVE_OUT = 'leave it out, or go on without it: --strict=false';

function shown(value: unknown): string {
  return value === '' ? 'nothing' : String(value);
}
