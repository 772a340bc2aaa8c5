import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Home } from './support/foster.js';
import { waitUntil } from './support/wait.js';

/** What scripts read with `inspect -f`: the fields that Docker and Podman have, and what is in them. */
const home = new Home();

/** The members of Docker's documents (API 1.47) and of Podman's (4.3) that every container has. */
const FIELDS: [place: string, names: string][] = [
  [
    '',
    'AppArmorProfile Args Config Created Driver ExecIDs GraphDriver HostConfig HostnamePath HostsPath Id ' +
      'Image LogPath MountLabel Mounts Name NetworkSettings Path Platform ProcessLabel ResolvConfPath ' +
      'RestartCount State',
  ],
  ['State', 'Dead Error ExitCode FinishedAt OOMKilled Paused Pid Restarting Running StartedAt Status'],
  [
    'Config',
    'AttachStderr AttachStdin AttachStdout Cmd Domainname Entrypoint Env Hostname Image Labels OnBuild ' +
      'OpenStdin StdinOnce Tty User Volumes WorkingDir',
  ],
  [
    'HostConfig',
    'AutoRemove Binds BlkioDeviceReadBps BlkioDeviceReadIOps BlkioDeviceWriteBps BlkioDeviceWriteIOps ' +
      'BlkioWeight BlkioWeightDevice CapAdd CapDrop Cgroup CgroupParent CgroupnsMode ConsoleSize ' +
      'ContainerIDFile CpuCount CpuPercent CpuPeriod CpuQuota CpuRealtimePeriod CpuRealtimeRuntime ' +
      'CpuShares CpusetCpus CpusetMems DeviceCgroupRules DeviceRequests Devices Dns DnsOptions DnsSearch ' +
      'ExtraHosts GroupAdd IOMaximumBandwidth IOMaximumIOps IpcMode Isolation Links LogConfig MaskedPaths ' +
      'Memory MemoryReservation MemorySwap MemorySwappiness NanoCpus NetworkMode OomKillDisable OomScoreAdj ' +
      'PidMode PidsLimit PortBindings Privileged PublishAllPorts ReadonlyPaths ReadonlyRootfs RestartPolicy ' +
      'Runtime SecurityOpt ShmSize UTSMode Ulimits UsernsMode VolumeDriver VolumesFrom',
  ],
  [
    'NetworkSettings',
    'Bridge EndpointID Gateway GlobalIPv6Address GlobalIPv6PrefixLen HairpinMode IPAddress IPPrefixLen ' +
      'IPv6Gateway LinkLocalIPv6Address LinkLocalIPv6PrefixLen MacAddress Networks Ports SandboxID ' +
      'SandboxKey',
  ],
  [
    '',
    'AppArmorProfile Args BoundingCaps Config ConmonPidFile Created Dependencies Driver EffectiveCaps ' +
      'ExecIDs GraphDriver HostConfig HostnamePath HostsPath Id Image ImageDigest ImageName IsInfra ' +
      'IsService MountLabel Mounts Name Namespace NetworkSettings OCIRuntime Path PidFile Pod ProcessLabel ' +
      'ResolvConfPath RestartCount Rootfs State StaticDir',
  ],
  [
    'State',
    'CheckpointedAt Dead Error ExitCode FinishedAt Health OOMKilled OciVersion Paused Pid Restarting ' +
      'RestoredAt Running StartedAt Status',
  ],
  [
    'Config',
    'Annotations AttachStderr AttachStdin AttachStdout Cmd CreateCommand Domainname Entrypoint Env ' +
      'HealthcheckOnFailureAction Hostname Image Labels OnBuild OpenStdin Passwd StdinOnce StopSignal ' +
      'StopTimeout Timeout Tty Umask User Volumes WorkingDir sdNotifyMode',
  ],
  [
    'HostConfig',
    'AutoRemove Binds BlkioDeviceReadBps BlkioDeviceReadIOps BlkioDeviceWriteBps BlkioDeviceWriteIOps ' +
      'BlkioWeight BlkioWeightDevice CapAdd CapDrop Cgroup CgroupConf CgroupManager CgroupMode CgroupParent ' +
      'Cgroups ConsoleSize ContainerIDFile CpuCount CpuPercent CpuPeriod CpuQuota CpuRealtimePeriod ' +
      'CpuRealtimeRuntime CpuShares CpusetCpus CpusetMems Devices DiskQuota Dns DnsOptions DnsSearch ' +
      'ExtraHosts GroupAdd IOMaximumBandwidth IOMaximumIOps IpcMode Isolation KernelMemory Links LogConfig ' +
      'Memory MemoryReservation MemorySwap MemorySwappiness NanoCpus NetworkMode OomKillDisable OomScoreAdj ' +
      'PidMode PidsLimit PortBindings Privileged PublishAllPorts ReadonlyRootfs RestartPolicy Runtime ' +
      'SecurityOpt ShmSize Tmpfs UTSMode Ulimits UsernsMode VolumeDriver VolumesFrom',
  ],
  [
    'NetworkSettings',
    'Bridge EndpointID Gateway GlobalIPv6Address GlobalIPv6PrefixLen HairpinMode IPAddress IPPrefixLen ' +
      'IPv6Gateway LinkLocalIPv6Address LinkLocalIPv6PrefixLen MacAddress Ports SandboxID SandboxKey',
  ],
];

const field = (name: string, template: string) =>
  home.foster(['inspect', '-f', template, name]).stdout.trimEnd();

test("the members of Docker's and Podman's documents", () => {
  home.foster(['create', '--name', 'plain', '-t', 'busybox']);
  const [shown] = JSON.parse(home.foster(['inspect', 'plain']).stdout);
  for (const [place, names] of FIELDS) {
    const members = Object.keys(place === '' ? shown : shown[place]);
    const missing = names.split(' ').filter((name) => !members.includes(name));
    assert.deepEqual(missing, [], place);
  }
  home.foster(['rm', 'plain']);
});

test('what was asked for', () => {
  const flags = [
    [
      '-v',
      `${home.folder}:/host:ro`,
      '-v',
      '/kept',
      '--tmpfs',
      '/t:size=1m',
      '--device',
      '/dev/null:/dev/mine',
    ],
    [
      '--cap-add',
      'net_admin',
      '--cap-drop',
      'CHOWN',
      '--group-add',
      '5',
      '-u',
      '7:8',
      '--oom-score-adj',
      '9',
    ],
    ['--dns', '1.1.1.1', '--dns-search', 'a.b', '--dns-option', 'rotate', '--add-host', 'db:10.0.0.1'],
    ['--ipc', 'host', '--uts', 'host', '--cgroupns', 'host', '--userns', 'keep-id', '--tz', 'local'],
    [
      '--entrypoint',
      'sleep',
      '--expose',
      '80',
      '--annotation',
      'note=x',
      '--umask',
      '027',
      '--shm-size',
      '64m',
    ],
    ['--security-opt', 'mask=/etc/group', '--log-driver', 'k8s-file', '--log-opt', 'max-size=1m'],
    ['--ulimit', 'nofile=10:20', '--cidfile', `${home.folder}/cid`, '-i'],
  ];
  const created = home.foster(['create', '--name', 'asked', ...flags.flat(), 'busybox', '100']);
  assert.deepEqual([created.stderr, created.status], ['', 0]);
  const cases: [template: string, expected: string][] = [
    ['{{.HostConfig.Binds}}', `[${home.folder}:/host:ro]`],
    ['{{.Config.Volumes}}', 'map[/kept:{}]'],
    [
      '{{range .Mounts}}{{.Type}}:{{.Destination}}:{{.RW}} {{end}}',
      'bind:/host:false volume:/kept:true tmpfs:/t:true',
    ],
    ['{{.HostConfig.Tmpfs}}', 'map[/t:size=1m]'],
    ['{{range .HostConfig.Devices}}{{.PathOnHost}} {{.PathInContainer}}{{end}}', '/dev/null /dev/mine'],
    ['{{.HostConfig.CapAdd}} {{.HostConfig.CapDrop}}', '[CAP_NET_ADMIN] [CAP_CHOWN]'],
    ['{{.HostConfig.GroupAdd}} {{.Config.User}} {{.HostConfig.OomScoreAdj}}', '[5] 7:8 9'],
    ['{{.HostConfig.Dns}} {{.HostConfig.DnsSearch}} {{.HostConfig.DnsOptions}}', '[1.1.1.1] [a.b] [rotate]'],
    ['{{.HostConfig.ExtraHosts}}', '[db:10.0.0.1]'],
    [
      '{{with .HostConfig}}{{.IpcMode}} {{.UTSMode}} {{.CgroupMode}} {{.UsernsMode}} {{.NetworkMode}}{{end}}',
      'host host host keep-id none',
    ],
    ['{{json .Config.Entrypoint}} {{json .Config.Cmd}} {{.Path}} {{.Args}}', '["sleep"] ["100"] sleep [100]'],
    ['{{.Config.ExposedPorts}} {{.NetworkSettings.Ports}}', 'map[80/tcp:{}] map[]'],
    ['{{.Config.Annotations.note}} {{index .Spec.annotations "note"}}', 'x x'],
    ['{{.Config.Umask}} {{.Config.Timezone}} {{.Config.OpenStdin}}', '0027 /etc/localtime true'],
    ['{{.HostConfig.SecurityOpt}}', '[no-new-privileges mask=/etc/group]'],
    ['{{.HostConfig.LogConfig.Type}} {{index .HostConfig.LogConfig.Config "max-size"}}', 'k8s-file 1048576'],
    ['{{(index .HostConfig.Ulimits 0).Name}} {{.HostConfig.ContainerIDFile}}', `nofile ${home.folder}/cid`],
    ['{{(index .Config.CreateCommand 1)}} {{.ImageName}} {{.State.OOMKilled}}', 'create busybox false'],
    [
      '{{.NetworkSettings.IPAddress}}|{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{end}}',
      '|none',
    ],
    ['{{.State.Status}} {{.State.ConmonPid}} {{.State.Pid}}', 'created 0 0'],
  ];
  for (const [template, expected] of cases) assert.equal(field('asked', template), expected, template);
  home.foster(['rm', 'asked']);
});

test('what nobody asked for', () => {
  home.foster(['create', '--name', 'plain', 'busybox', 'true']);
  const cases: [template: string, expected: string][] = [
    [
      '{{.Config.User}}|{{json .Config.Entrypoint}}|{{json .Config.Volumes}}|{{json .Config.OnBuild}}',
      '|null|null|null',
    ],
    [
      '{{.HostConfig.ShmSize}} {{.HostConfig.IpcMode}} {{.HostConfig.LogConfig.Type}}',
      '67108864 private json-file',
    ],
    [
      '{{.Config.Entrypoint}} {{.Config.Volumes}} {{.HostConfig.Links}} {{.State.Health}}',
      '[] map[] [] <nil>',
    ],
    ['{{.Config.Umask}} {{.HostConfig.Privileged}} {{.HostConfig.Memory}}', '0022 false 0'],
    ['{{if .State.Health}}checked{{else}}unchecked{{end}}', 'unchecked'],
  ];
  for (const [template, expected] of cases) assert.equal(field('plain', template), expected, template);
  home.foster(['rm', 'plain']);
});

test('before the first health check', () => {
  home.foster(['create', '--name', 'early', '--health-cmd', 'true', 'busybox', 'true']);
  assert.equal(field('early', '{{.State.Health.Status}} {{.State.Health.Log}}'), 'starting []');
  home.foster(['rm', 'early']);
});

test('the last five health checks', async () => {
  const check = ['--health-cmd', 'test -e /well || exit 3', '--health-interval', '50ms'];
  home.run(['-d', '--name', 'checked', ...check, 'busybox', 'sleep', '1000']);
  const codes = () => field('checked', '{{range .State.Health.Log}}{{.ExitCode}} {{end}}').trim();
  await waitUntil('five failed checks', () => codes() === '3 3 3 3 3');
  home.foster(['exec', 'checked', 'touch', '/well']);
  await waitUntil('a good check', () => field('checked', '{{.State.Health.Status}}') === 'healthy');
  const [shown] = JSON.parse(home.foster(['inspect', 'checked']).stdout);
  const { Log: log } = shown.State.Health as { Log: { Start: string; End: string; ExitCode: number }[] };
  assert.equal(log.length, 5);
  assert.equal(log.at(-1)?.ExitCode, 0);
  for (const { Start, End } of log) assert.ok(Date.parse(Start) <= Date.parse(End), `${Start} ${End}`);
  assert.deepEqual(shown.Config.Healthcheck.Test, ['CMD-SHELL', 'test -e /well || exit 3']);
  assert.equal(shown.Config.Healthcheck.Interval, 50_000_000);
  home.foster(['rm', '-f', 'checked']);
});

test('what the last health checks have written', async () => {
  const script =
    'n=$(cat /tmp/n 2>/dev/null || echo 0); echo $((n + 1)) > /tmp/n; case $n in ' +
    '0) echo slow; sleep 1000;; 1) echo out; echo error >&2; exit 1;; ' +
    '2) head -c 200000 /dev/zero | tr "\\000" x; exit 1;; esac';
  // the first that succeeds is the last for an hour
  const often = ['--health-interval', '1h', '--health-start-interval', '50ms', '--health-start-period', '1h'];
  const check = ['--health-cmd', script, '--health-timeout', '5s', ...often];
  home.run(['-d', '--name', 'spoken', ...check, 'busybox', 'sleep', '1000']);
  const log = () =>
    JSON.parse(field('spoken', '{{json .State.Health.Log}}')) as { Output: string; ExitCode: number }[];
  const [slow, short, long, silent] = await waitUntil('four checks', () => {
    const results = log();
    return results.length === 4 ? results : undefined;
  });
  assert.deepEqual([slow?.Output, slow?.ExitCode], ['Health check exceeded timeout (5s): slow\n', -1]);
  assert.deepEqual([short?.Output, short?.ExitCode], ['out\nerror\n', 1]);
  assert.deepEqual([long?.Output, long?.ExitCode], [`${'x'.repeat(4096)}...`, 1]);
  assert.deepEqual([silent?.Output, silent?.ExitCode], ['', 0]);
  home.foster(['rm', '-f', 'spoken']);
});
