/**
 * Replaces `$(NAME)` by variables, as Kubernetes does: `$$` is a dollar sign, and what is not known stays.
 * @param variables by their names
 */
export function expand(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(/\$\$|\$\(([^()]*)\)/g, (whole, name: string | undefined) =>
    whole === '$$' ? '$' : (variables.get(name ?? '') ?? whole),
  );
}
