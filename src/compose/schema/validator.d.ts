/** What scripts/schemas.mjs makes of compose-spec.json at build time: a function of ajv. */
declare module 'foster-compose-schema' {
  interface SchemaError {
    /** A JSON pointer. */
    instancePath: string;
    keyword: string;
    params: Record<string, unknown>;
    message?: string;
  }
  interface Validate {
    (value: unknown): boolean;
    errors: SchemaError[] | null;
  }
  const validate: Validate;
  export default validate;
}
