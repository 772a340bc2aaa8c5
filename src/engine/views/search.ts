import type { FoundRepository } from '../../image/registry/search.js';
import { flagError } from '../../spec/parse/flag.js';

/** The fields in a template of `search --format`: Docker's and Podman's. */
export type SearchField =
  | 'Name'
  | 'Description'
  | 'StarCount'
  | 'IsOfficial'
  | 'IsAutomated'
  | 'Stars'
  | 'Official'
  | 'Automated';

export type SearchRow = Record<SearchField, string>;

/** The results that match, as rows of `docker search --no-trunc`. @throws FosterError for a filter that does not exist */
export function searchRows(found: FoundRepository[], filters: readonly string[]): SearchRow[] {
  const conditions = filters.map(condition);
  return found
    .filter((repository) => conditions.every((matches) => matches(repository)))
    .map(({ name, description, stars, isOfficial, isAutomated }) => {
      const official = isOfficial ? '[OK]' : '';
      const automated = isAutomated ? '[OK]' : '';
      return {
        Name: name,
        Description: description.replace(/\s+/g, ' '),
        StarCount: String(stars),
        IsOfficial: official,
        IsAutomated: automated,
        Stars: String(stars),
        Official: official,
        Automated: automated,
      };
    });
}

function condition(filter: string): (repository: FoundRepository) => boolean {
  const [key, value = 'true'] = filter.split(/=(.*)/s);
  if (key === 'stars' && /^\d{1,9}$/.test(value)) return ({ stars }) => stars >= Number(value);
  if (key === 'is-official' && /^(true|false)$/.test(value))
    return ({ isOfficial }) => String(isOfficial) === value;
  if (key === 'is-automated' && /^(true|false)$/.test(value))
    return ({ isAutomated }) => String(isAutomated) === value;
  throw flagError(
    '--filter',
    filter,
    'expected stars=NUMBER, is-official=true|false or is-automated=true|false',
  );
}
