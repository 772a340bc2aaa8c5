import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { storageChoice } from '../image/rootfs/storage.js';
import { listImages } from '../image/store/images.js';
import { enforceable } from '../plan/cgroup/facts.js';
import { chooseIdMaps } from '../spec/choose-id-maps.js';
import type { IdMaps } from '../spec/id-maps.js';
import { callerName } from '../sys/caller-name.js';
import { FosterError } from '../sys/errors.js';
import { installCommand } from '../sys/packages.js';
import { dataFolder } from '../sys/paths.js';
import { removeTrees } from '../worker/remove-trees.js';
import { cgroupFacts } from './cgroup-facts.js';
import { countTemplates } from './run-template.js';
import { listContainers } from './store.js';

/** The output of `foster info`: plain data, with keys in the order in which they are printed. */
export async function hostInfo() {
  const statuses = listContainers().map(({ state }) => state.status);
  const count = (status: string) => statuses.filter((one) => one === status).length;
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  const maps = chooseIdMaps('default', uid, gid);
  return {
    containers: {
      total: statuses.length,
      running: count('running'),
      paused: count('paused'),
      exited: count('exited'),
      created: count('created'),
    },
    user: {
      name: callerName(),
      uid,
      rootless: uid !== 0,
      idsMapped: maps.uid.reduce((sum, { size }) => sum + size, 0),
      newuidmap: findProgram('newuidmap') ?? `not installed (${installCommand('newuidmap')})`,
    },
    namespaces: { user: namespaceProblem(maps), maximum: setting('user/max_user_namespaces') },
    images: listImages().length,
    storage: { ...(await storageChoice(maps)), data: dataFolder(), runTemplates: countTemplates() },
    cgroup: existsSync('/sys/fs/cgroup/cgroup.controllers') ? 'v2' : 'v1 or hybrid',
    limits: limitsHere(),
    host: {
      kernel: release(),
      architecture: process.arch,
      cpus: cpus().length,
      memory: totalmem(),
      node: process.version,
    },
  };
}

/** Which limits, such as --memory, can be enforced on this host: docs/limits.md. */
function limitsHere(): { manager: string; controllers: string } {
  const { manager, controllers } = enforceable(cgroupFacts());
  return { manager, controllers: controllers.join(', ') || 'none' };
}

export type HostInfo = Awaited<ReturnType<typeof hostInfo>>;

/** Tries to start a process in a user namespace with the caller's id maps, which every container needs. */
function namespaceProblem(maps: IdMaps): string {
  try {
    removeTrees([], maps);
    return 'can be made';
  } catch (error) {
    return error instanceof FosterError ? error.sentence : String(error);
  }
}

function setting(path: string): string {
  try {
    return readFileSync(`/proc/sys/${path}`, 'utf8').trim();
  } catch {
    return 'unknown';
  }
}

function findProgram(name: string): string | undefined {
  for (const folder of ['/usr/bin', '/bin', '/usr/local/bin']) {
    try {
      accessSync(`${folder}/${name}`, constants.X_OK);
      return `${folder}/${name}`;
    } catch {
      // not in this folder
    }
  }
  return undefined;
}
