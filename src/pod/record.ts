import type { Draft } from '../container/draft.js';
import type { ExitPolicy } from '../spec/parse/pod-request.js';
import type { RestartPolicy, RunRequest, SharedNamespace } from '../spec/request.js';

/** The definition of a pod, `config.json` in its folder. Never changed. */
export interface PodRecord {
  version: 1;
  /** 64 hexadecimal digits. */
  id: string;
  name: string;
  /** ISO 8601. */
  created: string;
  labels: Record<string, string>;
  /** The namespaces that its containers share. */
  shares: SharedNamespace[];
  /** Those of them that its containers share because they are the host's. */
  ofHost: SharedNamespace[];
  /** The container that holds the namespaces: enough to make it again. */
  infra?: Draft & { name: string };
  exitPolicy: ExitPolicy;
  /** The name of a pod that is started when the containers of this one have done their work: a Job has several. */
  next?: string;
  /** The id of the first pod of its Job, which counts the failures of all. */
  job?: string;
  /** Of its containers, unless they have one of their own. */
  restart: RestartPolicy;
  /** The cgroup of its containers, if it has one: `/a/foster-pod-ID`. */
  cgroup?: string;
  /** Of its containers, unless they have some of their own: --security-opt. */
  security?: Pick<RunRequest, 'noNewPrivileges' | 'seccomp' | 'kernelPaths'> & { written: string[] };
  /** The whole command line, with `foster`; undefined if the library has created it. */
  command?: string[];
}

/** The content of a `config.json`, or undefined if it is cut short or damaged. */
export function parsePod(text: string): PodRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isPod(value) ? value : undefined;
}

function isPod(value: unknown): value is PodRecord {
  if (!isObject(value)) return false;
  const { id, name, created, labels, shares, ofHost, exitPolicy, restart, infra } = value;
  return (
    typeof id === 'string' &&
    typeof name === 'string' &&
    /^[\w][\w.-]*$/.test(name) &&
    typeof created === 'string' &&
    isObject(labels) &&
    Array.isArray(shares) &&
    Array.isArray(ofHost) &&
    typeof exitPolicy === 'string' &&
    isObject(restart) &&
    (infra === undefined ||
      (isObject(infra) && typeof infra.id === 'string' && typeof infra.name === 'string'))
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
