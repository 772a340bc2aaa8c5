import { type HostStep, PID } from '../step.js';
import type { SystemdManager } from './facts.js';

/** Like systemd-run --user --scope -p Delegate=yes, but for PID 1 instead of a new program: org.freedesktop.systemd1(5). */
export function startScope(
  { busctl, address, cgroup }: SystemdManager,
  slice: string = 'foster.slice',
  id: string,
): { scope: string; own: HostStep[] } {
  const name = `foster-${id}.scope`;
  const properties = [
    ['PIDs', 'au', '1', PID],
    ['Delegate', 'b', 'true'],
    ['Slice', 's', slice],
    ['CollectMode', 's', 'inactive-or-failed'],
    ['Description', 's', `foster container ${id.slice(0, 12)}`],
  ];
  const args = [
    ...managerCall(address, 'StartTransientUnit'),
    'ssa(sv)a(sa(sv))',
    name,
    'fail',
    String(properties.length),
    ...properties.flat(),
    '0',
  ];
  const run: HostStep = {
    kind: 'run',
    path: busctl,
    args,
    why: 'have your systemd make a scope with a cgroup for PID 1, and delegate it',
    undo: 'systemd removes the scope when its last process has ended',
    advice: { '*': 'see if your systemd runs: systemctl --user status' },
  };
  return { scope: `${cgroup}${slicePath(slice)}/${name}`, own: [run] };
}

/** The first words of busctl(1) that call a method of the manager. */
export function managerCall(address: string, method: string): string[] {
  const manager = 'org.freedesktop.systemd1';
  return [
    'busctl',
    `--address=${address}`,
    'call',
    manager,
    '/org/freedesktop/systemd1',
    `${manager}.Manager`,
    method,
  ];
}

/** `a-b.slice` is in `a.slice`: systemd.slice(5). */
function slicePath(slice: string): string {
  const parts = slice.replace(/\.slice$/, '').split('-');
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('-')}.slice`).join('');
}
