/** `/parent/name`, or the runtime-spec's `slice:prefix:name` of systemd. */
export interface CgroupPath {
  parents: string[];
  name: string;
  slice?: string;
}

export function pathOf(cgroupsPath: string | undefined, id: string): CgroupPath {
  const [slice, prefix, name] = cgroupsPath?.split(':') ?? [];
  if (name !== undefined) return { parents: [], name: `${prefix}-${name}`, ...(slice && { slice }) };
  const parts = (cgroupsPath ?? `foster-${id}`).split('/').filter((part) => part !== '');
  const last = parts.pop() ?? `foster-${id}`;
  const parent = parts.at(-1);
  return { parents: parts, name: last, ...(parent?.endsWith('.slice') && { slice: parent }) };
}
