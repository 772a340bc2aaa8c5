import schema from './kube.json' with { type: 'json' };

/** A part of kube.json. */
interface Part {
  type?: unknown;
  enum?: unknown[];
  properties?: Record<string, Part>;
  items?: Part;
  additionalProperties?: unknown;
  $ref?: string;
  refused?: string;
  allowed?: unknown[];
  unused?: string;
}

const definitions: Readonly<Record<string, Part>> = schema.definitions;

/** A field of an object, as docs/kube.md lists it. */
export interface FieldRow {
  /** `containers[].env[].name` */
  field: string;
  refused?: string;
  allowed?: unknown[];
  unused?: string;
}

/** The fields of a definition, without those of other definitions in it. */
export function fieldsOf(definition: string): FieldRow[] {
  const part = definitions[definition];
  return part === undefined ? [] : below(part, '');
}

function below(part: Part, above: string): FieldRow[] {
  return Object.entries(part.properties ?? {}).flatMap(([name, own]): FieldRow[] => {
    const field = above === '' ? name : `${above}.${name}`;
    if (own.refused !== undefined)
      return [{ field, refused: own.refused, ...(own.allowed && { allowed: own.allowed }) }];
    if (own.unused !== undefined) return [{ field, unused: own.unused }];
    const inner = own.items ?? own;
    const rows = below(inner, own.items === undefined ? field : `${field}[]`);
    return rows.length > 0 ? rows : [{ field }];
  });
}

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
