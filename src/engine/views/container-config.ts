import { exposedPorts } from '../../container/exposed-ports.js';
import { healthcheckOf } from '../../container/own-defaults.js';
import type { Asked, ContainerRecord } from '../../container/record.js';
import { signalName } from '../../spec/parse/signals.js';

/** Fields that older versions of foster did not store. */
const UNKNOWN: Asked = {
  binds: [],
  tmpfs: {},
  capAdd: [],
  capDrop: [],
  securityOpt: [],
  userns: '',
  user: '',
  groups: [],
  devices: [],
  privileged: false,
  attached: { stdin: false, stdout: false, stderr: false },
};

/** The options that a container was created with. */
export function askedOf({ asked, spec, command }: ContainerRecord): Asked {
  const { uid, gid } = spec.process.user;
  return asked ?? { ...UNKNOWN, user: `${uid}:${gid}`, cmd: command };
}

/** `.Config` of `inspect`: Docker's, with Podman's additions. */
export function configOf(record: ContainerRecord, volumes: string[]): Record<string, unknown> {
  const { process: program, hostname, domainname = '', annotations = {} } = record.spec;
  const asked = askedOf(record);
  const ports = exposedPorts(record);
  const { user, entrypoint = null, cmd = null, onBuild = null, command = [], timezone, attached } = asked;
  return {
    Hostname: hostname ?? record.network.hostname,
    Domainname: domainname,
    User: user,
    AttachStdin: attached.stdin && record.interactive,
    AttachStdout: attached.stdout,
    AttachStderr: attached.stderr,
    Tty: program.terminal,
    OpenStdin: record.interactive,
    StdinOnce: false,
    Env: program.env,
    Cmd: cmd,
    Image: record.root,
    Volumes: volumes.length === 0 ? null : Object.fromEntries(volumes.map((path) => [path, {}])),
    ...(ports.length > 0 && { ExposedPorts: Object.fromEntries(ports.map((port) => [port, {}])) }),
    WorkingDir: program.cwd,
    Entrypoint: entrypoint,
    OnBuild: onBuild,
    Labels: record.labels,
    Annotations: annotations,
    StopSignal: signalName(record.stopSignal),
    StopTimeout: record.stopTimeout,
    ...healthcheckOf(record),
    HealthcheckOnFailureAction: record.health?.kills ? 'kill' : 'none',
    CreateCommand: command,
    Umask: (program.user.umask ?? 0o022).toString(8).padStart(4, '0'),
    Timeout: record.timeLimit ?? 0,
    Timezone: timezone ?? '',
    Passwd: !record.network.without?.includes('/etc/passwd'),
    sdNotifyMode: 'ignore',
  };
}
