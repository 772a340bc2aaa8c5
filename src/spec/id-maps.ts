/** A line of /proc/PID/uid_map or gid_map: user_namespaces(7). */
export interface IdMapping {
  containerID: number;
  hostID: number;
  size: number;
}

/** The maps of a user namespace. */
export interface IdMaps {
  uid: IdMapping[];
  gid: IdMapping[];
  /**
   * Whether newuidmap(1) and newgidmap(1) write them, which can map ranges of /etc/subuid and /etc/subgid; otherwise
   * foster does.
   */
  helpers: boolean;
}

/** Whether an id of the container is mapped to one of the host. */
export function isIdMapped(id: number, map: IdMapping[]): boolean {
  return map.some(({ containerID, size }) => id >= containerID && id < containerID + size);
}

/** Whether an id of the host is mapped in the container. */
export function isHostIdMapped(id: number, map: IdMapping[]): boolean {
  return map.some(({ hostID, size }) => id >= hostID && id < hostID + size);
}

/** A map in the format of uid_map and gid_map. */
export function mapText(map: IdMapping[]): string {
  return map.map((line) => `${line.containerID} ${line.hostID} ${line.size}\n`).join('');
}

/** Whether only one user, or one group, can own files. */
export function hasOneOwner({ uid, gid }: IdMaps): boolean {
  return [uid, gid].some((map) => map.length === 1 && map[0]?.size === 1);
}
