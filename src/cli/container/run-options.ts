import { Option } from 'commander';
import type { MountFlag } from '../../spec/parse/run-request.js';
import { collect } from '../command.js';
import type { OptionTarget } from '../mentioned-options.js';
import { addLimitOptions } from './limit-options.js';

/** Docker's flags for `run`, in groups. Mounts are appended to `mounts` in the order they are given. */
export function addRunOptions(command: OptionTarget, argv: string[], mounts: MountFlag[]): void {
  const short = (value: string) => afterShortFlag(value, argv);
  const collectShort = (value: string, previous: string[] | undefined) => collect(short(value), previous);
  const mount = (kind: MountFlag['kind']) => (value: string) => {
    mounts.push({ kind, value: short(value) });
    return value;
  };
  command
    .optionsGroup('Container:')
    .option('--name <NAME>', 'name the container')
    .option('--replace', 'remove the container that has the name first')
    .option('-d, --detach', 'run in the background and print the container id')
    .option('-a, --attach <STREAM>', 'attach only this one: stdin, stdout or stderr', collectShort)
    .option('--sig-proxy', 'pass signals on to the container (default)')
    .option('--detach-keys <KEYS>', 'keys that detach from the container (default: ctrl-p,ctrl-q)')
    .option('--restart <POLICY>', 'restart it when it exits: no, on-failure[:MAX], always or unless-stopped')
    .option('--rm', 'remove the container when it exits')
    .option('--rmi', 'remove the image, too, unless other containers use it; implies --rm')
    .option('--pod <POD>', 'share the namespaces of a pod; new:NAME creates it')
    .option('--pod-id-file <FILE>', 'the pod whose id is in FILE')
    .option('-b, --bundle <DIR>', 'run the OCI bundle in DIR', short)
    .option('-l, --label <KEY=VALUE>', 'set a label', collectShort)
    .option('--label-file <FILE>', 'read labels from a file, one per line', collect)
    .option('--annotation <KEY=VALUE>', 'set an annotation of the OCI Spec', collect)
    .option('--cidfile <FILE>', 'write the container id to FILE')
    .option('--pidfile <FILE>', 'write the pid of PID 1 to FILE')
    .optionsGroup('Process:')
    .option('-i, --interactive', 'keep standard input open')
    .option('-t, --tty', 'allocate a terminal')
    .option(
      '-e, --env <NAME[=VALUE]>',
      'set an environment variable; NAME alone passes on the current value',
      collectShort,
    )
    .option('--env-file <FILE>', 'read environment variables from a file, one per line', collect)
    .option('--env-host', 'pass on all variables of the caller')
    .option('--env-merge <NAME=VALUE>', "change a variable of the image: 'PATH=/opt/bin:$PATH'", collect)
    .option('--unsetenv <NAME>', 'remove a variable of the image', collect)
    .option('--unsetenv-all', 'remove all variables of the image')
    .option('--http-proxy', 'pass on http_proxy, https_proxy, ftp_proxy and no_proxy')
    .option('-w, --workdir <DIR>', 'working directory in the container', short)
    .option('-u, --user <USER[:GROUP]>', 'run as this user (name or id) of the container', short)
    .option('--group-add <GROUP>', 'add the user to a group (name or id) of the container', collect)
    .option('--umask <MODE>', 'umask of the process (default: 0022)')
    .option('--entrypoint <COMMAND>', "run COMMAND instead of the image's entrypoint")
    .option('--ulimit <NAME=SOFT[:HARD]>', 'set a resource limit; -1 means unlimited', collect)
    .option('--oom-score-adj <NUMBER>', 'how likely the kernel kills it when memory runs out: -1000 to 1000')
    .option('--personality <DOMAIN>', 'execution domain: LINUX or LINUX32')
    .option('--stop-signal <SIGNAL>', 'signal that foster stop sends (default: SIGTERM)')
    .option('--stop-timeout <SECONDS>', 'time from that signal to SIGKILL (default: 10)')
    .option('--timeout <SECONDS>', 'kill the container this long after its start')
    .optionsGroup('PID 1:')
    .option('--init', 'run foster-init as PID 1 and the command as its child (default)')
    .option('--no-init', 'run the command itself as PID 1')
    .option('--init-signal-group', 'forward signals to the whole process group of the command')
    .option('--init-verbose', 'report each orphan adopted and each zombie reaped')
    .optionsGroup('Files:')
    .option(
      '-v, --volume <[SRC:]DST[:OPT,...]>',
      'mount a volume, or a file or directory of the host, at DST; without SRC, an anonymous volume',
      mount('volume'),
    )
    .option(
      '--mount <KEY=VALUE,...>',
      'add a mount: type (bind, tmpfs or volume), source, destination, readonly, volume-subpath ...',
      mount('mount'),
    )
    .option(
      '--volumes-from <CONTAINER[:ro]>',
      'mount the volumes and bind mounts of another container',
      collect,
    )
    .option('--image-volume <HOW>', "the image's volumes: anonymous (default), tmpfs or ignore")
    .option('--tmpfs <DST[:OPT,...]>', 'mount an empty in-memory filesystem at DST', mount('tmpfs'))
    .option('--device <HOST[:DST]>', 'mount a device of the host', collect)
    .option('--shm-size <SIZE>', 'size of /dev/shm (default: 64m)')
    .option('--tz <ZONE>', "time zone, such as Europe/Berlin; local for the host's")
    .option('--read-only', 'make the root filesystem read-only')
    .option('--read-only-tmpfs', 'with --read-only: mount a tmpfs at /run, /tmp and /var/tmp')
    .addOption(new Option('--passwd').hideHelp())
    .optionsGroup('Image:')
    .option('--pull <WHEN>', 'when to pull the image: missing (default), always, newer or never')
    .option('-q, --quiet', 'print no progress of the pull')
    .option('--platform <OS/ARCH>', "platform of the image (default: this machine's)")
    .addOption(new Option('--arch <ARCH>').hideHelp())
    .addOption(new Option('--os <OS>').hideHelp())
    .addOption(new Option('--variant <VARIANT>').hideHelp())
    .option('--tls-verify', 'with false, pull by plain HTTP or with an unverified certificate')
    .option('--authfile <FILE>', 'file to read the credentials for the pull from')
    .option('--rootfs', 'ROOT is a directory, even if it looks like an image; it is not changed')
    .option('--max-unpacked-size <SIZE>', 'refuse an archive that unpacks to more than SIZE')
    .optionsGroup('Network:')
    .option(
      '--network <NETWORK>',
      'bridge (default), the name of a network, none, host, container:NAME, ns:PATH or pasta:OPTIONS',
      collect,
    )
    .addOption(alias('--net <NETWORK>', 'network').argParser(collect))
    .option(
      '-p, --publish <[[IP:]HOST:]PORT>',
      'publish a port of the container on a port of the host',
      collectShort,
    )
    .option('-P, --publish-all', 'publish all ports that the image exposes on free ports of the host')
    .option('--ip <ADDRESS>', 'IPv4 address in the network')
    .option('--ip6 <ADDRESS>', 'IPv6 address in the network')
    .option('--mac-address <ADDRESS>', 'MAC address in the network')
    .option('--network-alias <NAME>', 'another name of the container in the network', collect)
    .option('-h, --hostname <NAME>', 'host name of the container', short)
    .option('--domainname <NAME>', 'NIS domain name of the container')
    .option('--dns <ADDRESS>', "DNS server to use; none keeps the image's /etc/resolv.conf", collect)
    .option('--dns-search <DOMAIN>', "search domain, . for none (default: the host's)", collect)
    .option('--dns-option <OPTION>', "option of the resolver (default: the host's)", collect)
    .addOption(alias('--dns-opt <OPTION>', 'dnsOption').argParser(collect))
    .option('--add-host <NAME:ADDRESS>', 'add a line to /etc/hosts', collect)
    .option('--no-hosts', "keep the image's /etc/hosts")
    .addOption(alias('--no-hostname', 'ownHostname'))
    .option('--expose <PORT[/PROTOCOL]>', 'declare a port that the container serves', collect)
    .optionsGroup('Log and health checks:')
    .option(
      '--log-driver <DRIVER>',
      'json-file (default), k8s-file or local: foster keeps a log; none or passthrough: not',
    )
    .option(
      '--log-opt <KEY=VALUE>',
      'limit the log: max-size=SIZE, max-file=NUMBER; for logs --details: labels=NAME,..., env=NAME,...',
      collect,
    )
    .option('--health-cmd <COMMAND>', 'command whose exit code says whether the container is healthy')
    .option('--health-interval <TIME>', 'time between checks (default: 30s)')
    .option('--health-timeout <TIME>', 'a check that takes longer counts as failed (default: 30s)')
    .option('--health-retries <NUMBER>', 'consecutive failures until it is unhealthy (default: 3)')
    .option('--health-start-period <TIME>', 'time after the start during which failures do not count')
    .option(
      '--health-start-interval <TIME>',
      'time between checks before that, until one succeeds (default: 5s)',
    )
    .option('--health-on-failure <ACTION>', 'what is done to an unhealthy container: none (default) or kill')
    .option('--no-healthcheck', "leave out the image's health check")
    .optionsGroup('Isolation:')
    .option('--cap-add <CAPABILITY>', 'add a capability, or ALL', collect)
    .option('--cap-drop <CAPABILITY>', 'drop a capability, or ALL', collect)
    .option(
      '--security-opt <OPTION>',
      'no-new-privileges[=true|false], seccomp=unconfined|FILE, mask=PATH, unmask=ALL|PATH or proc-opts=OPTIONS',
      collect,
    )
    .option('--privileged', 'all capabilities, no seccomp filter, no masked paths')
    .option('--pid <MODE>', 'PID namespace: private (default), host or container:NAME')
    .option('--ipc <MODE>', 'IPC namespace: private (default), host, or none for private without /dev/shm')
    .option('--uts <MODE>', 'UTS namespace, which has the host name: private (default) or host')
    .option('--cgroupns <MODE>', 'cgroup namespace: private (default) or host')
    .option(
      '--uidmap <ID:HOST[:COUNT]>',
      'map user ids; on the host, 0 is you and 1 is the start of your ranges',
      collect,
    )
    .option('--gidmap <ID:HOST[:COUNT]>', 'map group ids (default: like --uidmap)', collect)
    .option('--userns <MODE>', 'user namespace: default, host, keep-id[:uid=UID,gid=GID], auto or nomap')
    .option('--sysctl <NAME=VALUE>', 'set a kernel parameter of the container', collect)
    .addOption(new Option('--systemd <MODE>').hideHelp())
    .addOption(new Option('--sdnotify <MODE>').hideHelp())
    .optionsGroup('Limits of the whole container (cgroups):');
  addLimitOptions(command, { collect, short });
  command
    .option('--cgroup-parent <PATH>', 'make its cgroup in this one: a path or the name of a slice')
    .option(
      '--cgroup-conf <FILE=VALUE>',
      'write to a file of its cgroup of version 2: memory.high=1g',
      collect,
    )
    .option('--cgroups <HOW>', 'enabled (default), or disabled: without a cgroup, and so without limits')
    .optionsGroup('Learning:')
    .option('--dry-run', 'print the plan as JSON without running anything')
    .option('--explain', 'print each step when it is done, and why')
    .helpOption('--help', 'show this help');
}

/** What only a container that is not started yet can be. */
export function addInitContainer(command: OptionTarget): void {
  command
    .optionsGroup('Container:')
    .option('--init-ctr <WHEN>', 'start it before the others of its pod: always, once or sidecar');
}

export function addPreservedDescriptors(command: OptionTarget): void {
  command
    .optionsGroup('Process:')
    .option('--preserve-fds <NUMBER>', 'pass on as many descriptors of the caller, from 3 on');
}

/** Another spelling of an option, or one that the help does not list. */
function alias(flags: string, attribute: string): Option {
  return Object.assign(new Option(flags).hideHelp(), { attributeName: () => attribute });
}

/**
 * `-e=NAME=value`: Docker takes an equals sign between a short flag and its value, commander makes it part of the
 * value. `-e =value` keeps it, to be refused.
 */
function afterShortFlag(value: string, argv: string[]): string {
  const joined = argv.some((word) => /^-[a-zA-Z]+=/.test(word) && word.slice(word.indexOf('=')) === value);
  return joined ? value.slice(1) : value;
}
