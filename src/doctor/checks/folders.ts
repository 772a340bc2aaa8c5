import { stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { cacheFolder, dataFolderFault, dataFolderPath } from '../../sys/paths.js';
import { surroundings } from '../../sys/surroundings.js';
import { type AnyCheck, defineCheck, type Failure, type Finding } from '../check.js';
import { failureOf } from '../failure.js';
import { existingFolder, isWritable } from '../read.js';
import { shellWord } from '../shell-word.js';

/** Folders of the XDG base directory specification, and who may use them. */
interface FolderFacts {
  /** Undefined if the variable is not set. */
  path?: string;
  /** Of the folder; undefined if it does not exist. */
  uid?: number;
  mode?: number;
  isDirectory?: boolean;
  /** Whether it can be made, if it does not exist. */
  canBeMade: boolean;
  /** Who asks. */
  user: number;
  /** A variable whose value is ignored, because it is a relative path. */
  ignored?: string;
  failure?: Failure;
}

export const DATA_FOLDER = folderCheck('data-folder', 'XDG_DATA_HOME', dataFolderPath, judgeData);
export const CACHE_FOLDER = folderCheck('cache-folder', 'XDG_CACHE_HOME', cacheFolder, judgeCache);
export const RUNTIME_FOLDER = folderCheck(
  'runtime-folder',
  'XDG_RUNTIME_DIR',
  () => surroundings().env.XDG_RUNTIME_DIR || undefined,
  judgeRuntime,
);

function folderCheck(
  name: string,
  variable: string,
  find: () => string | undefined,
  judge: (facts: FolderFacts) => Finding,
): AnyCheck {
  return defineCheck<FolderFacts>({
    name,
    group: 'reads',
    probe: () => probeFolder(variable, find),
    judge: (facts) => judgeCommon(facts) ?? judge(facts),
  });
}

async function probeFolder(variable: string, find: () => string | undefined): Promise<FolderFacts> {
  const user = process.geteuid?.() ?? 0;
  const value = surroundings().env[variable];
  const ignored = value && !isAbsolute(value) ? { ignored: variable } : {};
  try {
    const path = find();
    if (path === undefined || !isAbsolute(path)) return { user, canBeMade: false, ...ignored };
    const info = await stat(path).catch(() => undefined);
    if (info === undefined)
      return { path, user, canBeMade: await isWritable(await existingFolder(path)), ...ignored };
    const { uid, mode } = info;
    return {
      path,
      uid,
      mode: mode & 0o7777,
      isDirectory: info.isDirectory(),
      user,
      canBeMade: false,
      ...ignored,
    };
  } catch (error) {
    return { user, canBeMade: false, failure: failureOf(error) };
  }
}

const NOTHING_RUNS = 'foster keeps its images and containers there, so none can run.';

/** What is wrong with any folder. */
function judgeCommon({ failure, ignored, path = '', isDirectory }: FolderFacts): Finding | undefined {
  if (failure !== undefined) {
    const advice = failure.advice ?? 'set HOME to your home directory';
    return { level: 'fail', found: failure.message, means: NOTHING_RUNS, mend: [{ who: 'you', advice }] };
  }
  if (ignored !== undefined) {
    return {
      level: 'warn',
      found: `${ignored} is a relative path, and ignored`,
      means: 'It would mean another folder after each cd.',
      mend: [{ who: 'you', command: `unset ${ignored}` }],
    };
  }
  if (isDirectory !== false) return undefined;
  return {
    level: 'fail',
    found: `${path} is not a folder`,
    means: 'Nothing can be kept there.',
    mend: [
      { who: 'you', advice: `move it out of the way: mv ${shellWord(path)} ${shellWord(`${path}.old`)}` },
    ],
  };
}

function judgeData({ path = '', uid, mode = 0, user, canBeMade }: FolderFacts): Finding {
  if (uid === undefined) {
    if (canBeMade) return { level: 'ok', found: `${path}, which is made by the first container` };
    return {
      level: 'fail',
      found: `${path} does not exist, and you cannot make it`,
      means: NOTHING_RUNS,
      mend: [{ who: 'you', advice: 'choose another folder with --root DIR or XDG_DATA_HOME' }],
    };
  }
  const fault = dataFolderFault(path, { uid, mode }, user);
  if (fault !== undefined) {
    const { because, advice, clears } = fault;
    const fixes = clears === undefined ? {} : { fixes: [change(path, mode & ~clears)] };
    const found = `${path}: ${because}`;
    return { level: 'fail', found, means: NOTHING_RUNS, mend: [{ who: 'you', advice }], ...fixes };
  }
  if ((mode & 0o700) === 0o700) return { level: 'ok', found: path };
  return withoutRights(path, mode, 'fail', NOTHING_RUNS);
}

function judgeCache({ path = '', uid, mode = 0, user, canBeMade }: FolderFacts): Finding {
  const means = 'foster keeps compiled code there: without it, each command takes longer.';
  if (uid === undefined) {
    if (canBeMade) return { level: 'ok', found: `${path}, which is made when it is needed` };
    const mend = [{ who: 'you', advice: 'set XDG_CACHE_HOME to a folder of your own' } as const];
    return { level: 'warn', found: `${path} does not exist, and you cannot make it`, means, mend };
  }
  if (uid !== user) {
    const mend = [{ who: 'root', command: `chown -R ${user} ${shellWord(path)}` } as const];
    return { level: 'warn', found: `${path} belongs to user ${uid}, and you are user ${user}`, means, mend };
  }
  if ((mode & 0o700) === 0o700) return { level: 'ok', found: path };
  return withoutRights(path, mode, 'warn', means);
}

function judgeRuntime({ path, uid, mode = 0, user, canBeMade }: FolderFacts): Finding {
  const means =
    'Without your own folder, foster does not find your systemd, which sets limits such as --memory.';
  const login = { who: 'you', advice: "log in by ssh, at a console or with 'machinectl shell'" } as const;
  if (path === undefined)
    return { level: 'ok', found: 'XDG_RUNTIME_DIR is not set; foster keeps nothing there' };
  if (uid === undefined) {
    const fixes = canBeMade ? { fixes: [{ kind: 'make folder', path, mode: 0o700 } as const] } : {};
    return {
      level: 'warn',
      found: `XDG_RUNTIME_DIR is ${path}, which does not exist`,
      means,
      mend: [login],
      ...fixes,
    };
  }
  if (uid !== user) {
    const mend = [{ who: 'you', command: `export XDG_RUNTIME_DIR=/run/user/${user}` } as const];
    const found = `XDG_RUNTIME_DIR is ${path}, which belongs to user ${uid}, and you are user ${user}`;
    return { level: 'warn', found, means, mend };
  }
  if ((mode & 0o777) === 0o700) return { level: 'ok', found: path };
  return {
    level: 'warn',
    found: `${path} has the mode ${octal(mode)} instead of 700`,
    means: 'Other users may reach sockets of your programs.',
    mend: [{ who: 'you', command: `chmod 700 ${shellWord(path)}` }],
    fixes: [change(path, 0o700)],
  };
}

function withoutRights(path: string, mode: number, level: 'warn' | 'fail', means: string): Finding {
  return {
    level,
    found: `${path} has the mode ${octal(mode)}: you may not use it`,
    means,
    mend: [{ who: 'you', command: `chmod u+rwx ${shellWord(path)}` }],
    fixes: [change(path, mode | 0o700)],
  };
}

function change(path: string, mode: number) {
  return { kind: 'change mode', path, mode } as const;
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(3, '0');
}
