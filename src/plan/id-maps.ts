import { type IdMaps, mapText } from '../spec/id-maps.js';
import { type HostStep, PID } from './step.js';

/** Absolute paths of newuidmap and newgidmap on the host. */
export interface MapHelpers {
  uid: string;
  gid: string;
}

/**
 * Host steps that write the id maps of a user namespace.
 * @param helpers programs that write them if the caller is not permitted to: newuidmap(1), newgidmap(1)
 * @param canSetGroups whether setgroups(2) stays allowed; a user who maps a group without a helper must give it up:
 * user_namespaces(7)
 * @param fromAbove the parent is the network holder's user namespace, where foster has all rights
 */
export function mapIds(
  maps: Pick<IdMaps, 'uid' | 'gid'>,
  {
    helpers,
    canSetGroups,
    fromAbove = false,
  }: { helpers: MapHelpers | undefined; canSetGroups: boolean; fromAbove?: boolean },
): HostStep[] {
  const why = { uid: 'map the user ids of the container', gid: 'map the group ids of the container' };
  const kinds = ['uid', 'gid'] as const;
  if (helpers !== undefined && !fromAbove) {
    return kinds.map((kind) => {
      const name = `new${kind}map`;
      const numbers = maps[kind].flatMap((line) => [line.containerID, line.hostID, line.size].map(String));
      const advice = { '*': `check your range in /etc/sub${kind} and that ${name} is setuid root` };
      return { kind: 'run', path: helpers[kind], args: [name, PID, ...numbers], why: why[kind], advice };
    });
  }
  const write = (file: string, text: string, purpose: string): HostStep => ({
    kind: 'write',
    file,
    text,
    why: purpose,
    ...(fromAbove && { fromAbove }),
  });
  return [
    ...(canSetGroups ? [] : [write('setgroups', 'deny', 'give up setgroups(2)')]),
    ...kinds.map((kind) => write(`${kind}_map`, mapText(maps[kind]), why[kind])),
  ];
}
