import { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import type { CgroupFacts, SystemdManager, V1Hierarchy, V2Base, V2Hierarchy } from '../plan/cgroup/facts.js';
import { unescapedPath } from '../sys/mountinfo.js';
import { findProgram } from '../sys/programs.js';
import { unseen } from '../sys/sightings.js';
import { surroundings } from '../sys/surroundings.js';

/** The cgroup hierarchies of this host, and which cgroups the caller may use: cgroups(7). */
export function cgroupFacts(): CgroupFacts {
  const uid = process.getuid?.() ?? 0;
  // one may be hidden by a mount over it
  const mounts = parseMounts(readText('/proc/self/mountinfo')).filter(({ folder }) => existsSync(folder));
  const unified = mounts.find(({ type }) => type === 'cgroup2');
  const own = /^0::(\/.*)$/m.exec(readText('/proc/self/cgroup'))?.[1] ?? '/';
  return {
    isRoot: uid === 0,
    uid,
    v1: mounts.filter(({ type }) => type === 'cgroup').map(v1Hierarchy),
    ...(unified && { v2: v2Hierarchy(unified, own, uid) }),
  };
}

/** A mount of cgroups. */
export interface CgroupMount {
  type: string;
  folder: string;
  /** The cgroup that is visible as its root. */
  root: string;
  controllers: string[];
}

const NO_CONTROLLERS =
  /^(name=|rw$|ro$|nsdelegate|memory_|xattr|clone_children|noprefix|release_agent|favordynmods|pids_)/;

/** The cgroup mounts in /proc/self/mountinfo: proc(5). Hierarchies without controllers, such as systemd's, are left out. */
export function parseMounts(text: string): CgroupMount[] {
  return text.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root = '/', folder = ''] = before.split(' ');
    const [type = '', , options = ''] = after.split(' ');
    if (type !== 'cgroup' && type !== 'cgroup2') return [];
    const controllers = options.split(',').filter((name) => !NO_CONTROLLERS.test(name));
    if (type === 'cgroup' && controllers.length === 0) return [];
    return [{ type, folder: unescapedPath(folder), root: unescapedPath(root), controllers }];
  });
}

function v1Hierarchy({ folder, controllers }: CgroupMount): V1Hierarchy {
  const isWritable = mayWrite(folder);
  const cpuset = controllers.includes('cpuset') && {
    cpus: readText(`${folder}/cpuset.cpus`).trim(),
    mems: readText(`${folder}/cpuset.mems`).trim(),
  };
  return { controllers, folder, isWritable, files: filesIn(folder, isWritable), ...(cpuset && { cpuset }) };
}

/** The files of a child cgroup, because the root cgroup has other files. If there is no child, one is made and removed. */
function filesIn(folder: string, isWritable: boolean): Set<string> {
  return unseen(() => new Set(namesIn(folder, isWritable))); // which cgroups there are just now means nothing
}

function namesIn(folder: string, isWritable: boolean): string[] {
  const PROBE = 'foster-probe';
  const child = readdirSync(folder, { withFileTypes: true }).find((entry) => entry.isDirectory());
  const found = child === undefined ? [] : entriesOf(`${folder}/${child.name}`);
  if (found.length > 0 || !isWritable) return found;
  const probe = `${folder}/${PROBE}`;
  try {
    mkdirSync(probe);
  } catch {
    // another command may have just made it
  }
  const files = entriesOf(probe);
  try {
    rmdirSync(probe);
  } catch {
    // the other command has removed it
  }
  return files;
}

function v2Hierarchy({ folder, root }: CgroupMount, path: string, uid: number): V2Hierarchy {
  const own = root !== '/' && path.startsWith(root) ? path.slice(root.length) || '/' : path;
  const manager = uid === 0 ? undefined : findManager(folder, uid);
  return {
    folder,
    controllers: words(`${folder}/cgroup.controllers`),
    files: filesIn(folder, false),
    bases:
      uid === 0 ? [base(folder, folder)].filter(({ folder: top }) => mayUse(top)) : ownBases(folder, own),
    ...(manager && { manager }),
  };
}

/** The caller's own cgroup and its parents, up to the first that belongs to systemd or to another user. */
function ownBases(top: string, own: string): V2Base[] {
  const bases: V2Base[] = [];
  const parts = own.split('/').filter((part) => part !== '');
  if (parts.includes('..')) return []; // not visible in this cgroup namespace
  for (; ; parts.pop()) {
    const name = parts.at(-1) ?? '';
    const folder = [top, ...parts].join('/');
    if (/\.slice$|^user@\d+\.service$|^init\.scope$/.test(name) || !mayUse(folder)) return bases;
    bases.push(base(folder, top));
    if (parts.length === 0) return bases;
  }
}

function base(folder: string, top: string): V2Base {
  return {
    folder,
    controllers: words(`${folder}/cgroup.controllers`),
    enabled: words(`${folder}/cgroup.subtree_control`),
    // if that changes, a step fails
    hasProcesses: unseen(() => readText(`${folder}/cgroup.procs`)) !== '',
    isTop: folder === top && !existsSync(`${folder}/cgroup.type`),
  };
}

/** Whether the cgroup is delegated to the caller: cgroup-v2.rst, "Delegation". */
function mayUse(folder: string): boolean {
  return [folder, `${folder}/cgroup.procs`, `${folder}/cgroup.subtree_control`].every(mayWrite);
}

/** The user's systemd, which makes scopes in its own cgroup. */
function findManager(folder: string, uid: number): SystemdManager | undefined {
  const { env } = surroundings();
  const fromEnvironment = /^unix:path=(\/[^,;]+)/.exec(env.DBUS_SESSION_BUS_ADDRESS ?? '')?.[1];
  const socket = [fromEnvironment, `${env.XDG_RUNTIME_DIR ?? ''}/bus`, `/run/user/${uid}/bus`].find(
    (path) => path?.startsWith('/') && existsSync(path),
  );
  const busctl = socket === undefined ? undefined : findProgram('busctl');
  const cgroup = `/user.slice/user-${uid}.slice/user@${uid}.service`;
  if (socket === undefined || busctl === undefined || !mayWrite(`${folder}${cgroup}`)) return undefined;
  const controllers = words(`${folder}${cgroup}/cgroup.controllers`);
  return { busctl, address: `unix:path=${socket}`, cgroup, controllers };
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function words(path: string): string[] {
  return readText(path).split(/\s+/).filter(Boolean);
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
