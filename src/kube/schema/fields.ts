import schema from './kube.json' with { type: 'json' };

/** A part of kube.json. */
interface Part {
  [other: string]: unknown;
  properties?: Record<string, Part>;
  items?: Part;
}

const definitions: Readonly<Record<string, Part>> = schema.definitions;

/** The names of all fields, to find what was probably meant. */
export function fieldNames(): string[] {
  const names = new Set<string>();
  const visit = (part: Part) => {
    for (const [name, own] of Object.entries(part.properties ?? {})) {
      names.add(name);
      visit(own.items ?? own);
    }
  };
  for (const part of Object.values(definitions)) visit(part);
  return [...names];
}
