/** The states of processes by their letters: proc_pid_stat(5). */
export const PROCESS_STATES: Readonly<Record<string, ProcessState>> = {
  R: 'running',
  S: 'sleeping',
  D: 'waiting for a device',
  T: 'stopped',
  t: 'being traced',
  Z: 'zombie',
  I: 'idle',
};

export type ProcessState =
  | 'running'
  | 'sleeping'
  | 'waiting for a device'
  | 'stopped'
  | 'being traced'
  | 'zombie'
  | 'idle';
