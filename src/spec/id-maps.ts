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
