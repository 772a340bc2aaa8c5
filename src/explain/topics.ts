import type { Topic } from './topic.js';

/** The modules of topics, by name; loaded when they are asked for. */
const TOPICS: Readonly<Record<string, () => Promise<{ topic: Topic }>>> = {
  'pid-namespace': () => import('./topics/pid-namespace.js'),
  'user-namespace': () => import('./topics/user-namespace.js'),
  'mount-namespace': () => import('./topics/mount-namespace.js'),
  'network-namespace': () => import('./topics/network-namespace.js'),
  'uts-namespace': () => import('./topics/uts-namespace.js'),
  'ipc-namespace': () => import('./topics/ipc-namespace.js'),
  'cgroup-namespace': () => import('./topics/cgroup-namespace.js'),
  'time-namespace': () => import('./topics/time-namespace.js'),
  namespaces: () => import('./topics/namespaces.js'),
  pid1: () => import('./topics/pid1.js'),
  zombie: () => import('./topics/zombie.js'),
  orphan: () => import('./topics/orphan.js'),
  subreaper: () => import('./topics/subreaper.js'),
  signals: () => import('./topics/signals.js'),
  'exit-codes': () => import('./topics/exit-codes.js'),
  tty: () => import('./topics/tty.js'),
  capabilities: () => import('./topics/capabilities.js'),
  seccomp: () => import('./topics/seccomp.js'),
  no_new_privs: () => import('./topics/no_new_privs.js'),
  'id-maps': () => import('./topics/id-maps.js'),
  overlay: () => import('./topics/overlay.js'),
  pivot_root: () => import('./topics/pivot_root.js'),
  propagation: () => import('./topics/propagation.js'),
  'masked-paths': () => import('./topics/masked-paths.js'),
  volume: () => import('./topics/volume.js'),
  cgroup: () => import('./topics/cgroup.js'),
  veth: () => import('./topics/veth.js'),
  bridge: () => import('./topics/bridge.js'),
  pasta: () => import('./topics/pasta.js'),
  pod: () => import('./topics/pod.js'),
  image: () => import('./topics/image.js'),
  layer: () => import('./topics/layer.js'),
  digest: () => import('./topics/digest.js'),
  manifest: () => import('./topics/manifest.js'),
};

/** The names of all topics, in the order of the list. */
export const TOPIC_NAMES: readonly string[] = Object.keys(TOPICS);

/** All topics. */
export async function allTopics(): Promise<Topic[]> {
  return await Promise.all(Object.values(TOPICS).map(async (load) => (await load()).topic));
}

/** The topic with this name, or of which it is another name; upper case, and `_` or a space for `-`, are understood. */
export async function findTopic(word: string): Promise<Topic | undefined> {
  const load = Object.hasOwn(TOPICS, word) ? TOPICS[word] : undefined;
  if (load !== undefined) return (await load()).topic;
  const wanted = spelled(word);
  return (await allTopics()).find(({ name, aliases = [] }) =>
    [name, ...aliases].some((one) => spelled(one) === wanted),
  );
}

/** A name as it is compared with others: `PID_namespace` and `pid namespace` are `pid-namespace`. */
export function spelled(word: string): string {
  return word.toLowerCase().replace(/[_ ]/g, '-');
}
