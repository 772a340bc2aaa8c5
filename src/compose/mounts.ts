import { isObject, type Json, type JsonObject, textOf } from './json.js';
import { mapping } from './mappings.js';
import type { Place } from './place.js';

const PROPAGATION = ['rprivate', 'private', 'rslave', 'slave', 'rshared', 'shared'];
/** Words of the short form that say nothing here: caches of Docker Desktop, and the default. */
const NOTHING = ['rw', 'cached', 'delegated', 'consistent'];

/** The long form of a mount: `[SOURCE:]TARGET[:MODE]`, or a mapping. */
export function mount(value: Json, at: Place): JsonObject {
  if (isObject(value)) return longMount(value, at);
  const [first = '', second, mode = '', ...rest] = textOf(value).split(':');
  if (rest.length > 0 || first === '') throw at.error('expected [SOURCE:]TARGET[:MODE]');
  if (second === undefined) return { type: 'volume', target: first };
  const isPath = /^[./~]/.test(first);
  const bind: JsonObject = { create_host_path: true };
  const result: JsonObject = isPath
    ? { type: 'bind', source: at.resolved(first), target: second }
    : { type: 'volume', source: first, target: second };
  for (const word of mode.split(',').filter(Boolean)) {
    if (word === 'ro') result.read_only = true;
    else if (word === 'z' || word === 'Z') bind.selinux = word;
    else if (word === 'nocopy') result.volume = { nocopy: true };
    else if (PROPAGATION.includes(word)) bind.propagation = word;
    else if (!NOTHING.includes(word))
      throw at.error(`unknown option ${JSON.stringify(word)} of a mount, expected ro, rw, nocopy, z or Z`);
  }
  return isPath ? { ...result, bind } : result;
}

function longMount(value: JsonObject, at: Place): JsonObject {
  const { read_only, bind, volume, ...rest } = value;
  const isReadOnly = read_only !== undefined && read_only !== null && at.below('read_only').truth(read_only);
  const own: JsonObject = { ...rest, ...(isReadOnly && { read_only: true }) };
  if (typeof value.target !== 'string') throw at.error('target is missing');
  if (value.type === 'bind') {
    if (typeof value.source !== 'string') throw at.error('source is missing');
    const said = isObject(bind) ? bind : {};
    const creates = at.below('bind', 'create_host_path').truth(said.create_host_path ?? true);
    return { ...own, source: at.resolved(value.source), bind: { ...said, create_host_path: creates } };
  }
  if (isObject(volume)) {
    const nocopy = at.below('volume', 'nocopy').truth(volume.nocopy ?? false);
    const { nocopy: _, labels, ...others } = volume;
    own.volume = { ...others, ...(nocopy && { nocopy }), ...(labels && { labels: mapping(labels) }) };
  }
  return own;
}
