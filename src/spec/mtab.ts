/**
 * Where programs look for what is mounted, Java and old ones of df(1) and umount(8) among them. Images leave it to Docker
 * and Podman to make the link.
 */
export const MTAB = { path: '/etc/mtab', target: '/proc/mounts' };
