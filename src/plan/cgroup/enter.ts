import { CWD } from '../calls.js';
import { CLONE, O } from '../constants.js';
import { type CgroupPlace, flags, type HostStep, PID, type Step, step } from '../step.js';
import { managerCall } from './systemd.js';

/** Steps by which a process itself enters the cgroups of a running container, before it joins its namespaces. */
export function enterCgroups(places: readonly CgroupPlace[]): Step[] {
  const why = 'enter the cgroup of the container';
  const file = { result: 'cgroup' };
  return places
    .filter(({ unit }) => unit === undefined)
    .flatMap(({ inner }) => [
      step(why, 'openat', [CWD, `${inner}/cgroup.procs`, flags(O, 'O_WRONLY', 'O_CLOEXEC'), 0], {
        result: 'cgroup',
      }),
      step(why, 'write', [file, '0', 1]),
      step(why, 'close', [file]),
    ]);
}

/** Makes PID 1's current cgroup the root of the cgroups that the container sees: cgroup_namespaces(7). */
export function newCgroupNamespace(): Step {
  return step('show the container its own cgroup as the top one', 'unshare', [
    flags(CLONE, 'CLONE_NEWCGROUP'),
  ]);
}

/** Host steps by which systemd moves a process into a container's scope. */
export function attachToUnit(places: readonly CgroupPlace[]): HostStep[] {
  return places.flatMap(({ unit }): HostStep[] =>
    unit === undefined
      ? []
      : [
          {
            kind: 'run',
            path: unit.busctl,
            args: [
              ...managerCall(unit.address, 'AttachProcessesToUnit'),
              'ssau',
              unit.name,
              unit.inner,
              '1',
              PID,
            ],
            why: 'have your systemd put the process into the cgroup of the container',
          },
        ],
  );
}
