/** What scripts/schemas.mjs makes of kube.json at build time: functions of ajv. */
declare module 'foster-kube-schema' {
  interface SchemaError {
    /** A JSON pointer. */
    instancePath: string;
    keyword: string;
    params: Record<string, unknown>;
    message?: string;
    /** The value of the keyword in the schema. */
    schema: unknown;
  }
  interface Validate {
    (value: unknown): boolean;
    errors: SchemaError[] | null;
  }
  const schema: {
    /** By the kinds of objects. */
    kinds: Readonly<Record<string, Validate>>;
    /** The names of all fields. */
    fields: readonly string[];
  };
  export default schema;
}
