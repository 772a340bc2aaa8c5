import type { Process } from '../spec/types.js';
import { attachMount, CWD, copyMount, openBeneath, requireFileSystem } from './calls.js';
import { O } from './constants.js';
import { FD } from './facts.js';
import { type Arg, type Bytes, constant, flags, type Step, step } from './step.js';

const TIOCSCTTY = constant('TIOCSCTTY', 0x540e);
const TIOCSPTLCK = constant('TIOCSPTLCK', 0x40045431);
const TIOCGPTPEER = constant('TIOCGPTPEER', 0x5441);
const TIOCSWINSZ = constant('TIOCSWINSZ', 0x5414);
const TIOCSPGRP = constant('TIOCSPGRP', 0x5410);

/** Results of mounts that a terminal needs. */
export interface TerminalMounts {
  /** The root of the container's devpts; undefined if foster has not just mounted it. */
  devpts?: string | undefined;
  /** The root of its /dev, for /dev/console; undefined for none. */
  dev?: string | undefined;
}

/**
 * A pseudo-terminal of the container's own devpts (pts(4)): its slave becomes PID 1's controlling terminal and stdin,
 * stdout and stderr; its master goes to the monitor, by SCM_RIGHTS (unix(7)).
 */
export function openTerminal(
  { user, consoleSize }: Pick<Process, 'user' | 'consoleSize'>,
  { devpts, dev }: TerminalMounts,
): Step[] {
  const why = "open the container's terminal";
  const unlocked: Bytes = { bytes: Buffer.alloc(4), text: '[0]' };
  const master: Arg = { result: 'master' };
  const slave: Arg = { result: 'slave' };
  const advice = { EXDEV: '/dev/pts of the container is not a devpts', ELOOP: '/dev/pts contains a link' };
  const [directory, path]: [Arg, string] =
    devpts === undefined ? [CWD, 'dev/pts/ptmx'] : [{ result: devpts }, 'ptmx'];
  return [
    openBeneath(why, directory, path, ['O_RDWR', 'O_NOCTTY'], { result: 'master', advice }),
    requireFileSystem(why, 'master', 'DEVPTS_SUPER_MAGIC', { advice }),
    step(why, 'ioctl', [master, TIOCSPTLCK, unlocked]),
    step(why, 'ioctl', [master, TIOCGPTPEER, flags(O, 'O_RDWR', 'O_NOCTTY', 'O_CLOEXEC')], {
      result: 'slave',
    }),
    ...(consoleSize === undefined ? [] : [setSize(consoleSize)]),
    step('give it to the user', 'fchown', [slave, user.uid, -1]),
    step('make it the controlling terminal', 'ioctl', [slave, TIOCSCTTY, 0]),
    ...[0, 1, 2].map((fd) => step('make it stdin, stdout and stderr', 'dup3', [slave, fd, 0])),
    ...(dev === undefined ? [] : giveConsole(dev)),
    sendMaster(),
    step('leave the other end to the monitor', 'close', [master]),
    step('leave the other end to the monitor', 'close', [constant(String(FD.CONSOLE), FD.CONSOLE)]),
  ];
}

function setSize({ height, width }: NonNullable<Process['consoleSize']>): Step {
  const size = Buffer.alloc(8); // struct winsize
  size.writeUInt16LE(height, 0);
  size.writeUInt16LE(width, 2);
  return step(`make it ${width} characters wide and ${height} high`, 'ioctl', [
    { result: 'master' },
    TIOCSWINSZ,
    { bytes: size, text: `{ws_row=${height}, ws_col=${width}}` },
  ]);
}

function giveConsole(dev: string): Step[] {
  const why = 'give the container /dev/console';
  return [
    openBeneath(why, { result: dev }, 'console', ['O_RDONLY', 'O_CREAT', 'O_NOCTTY'], {
      result: 'console_target',
      mode: 0o600,
    }),
    copyMount(why, { result: 'slave' }, '', 'console'),
    attachMount(why, 'console', 'console_target'),
  ];
}

/** sendmsg(2) with the master in a control message: struct msghdr, struct cmsghdr and one int. */
function sendMaster(): Step {
  const SOL_SOCKET = 1;
  const SCM_RIGHTS = 1;
  const control = Buffer.alloc(24);
  control.writeBigUInt64LE(20n, 0);
  control.writeUInt32LE(SOL_SOCKET, 8);
  control.writeUInt32LE(SCM_RIGHTS, 12);
  const vector = Buffer.alloc(16);
  vector.writeBigUInt64LE(1n, 8);
  const header = Buffer.alloc(56);
  header.writeBigUInt64LE(1n, 24);
  header.writeBigUInt64LE(BigInt(control.length), 40);
  const message: Bytes = {
    bytes: header,
    text: '{msg_control=[{cmsg_type=SCM_RIGHTS, cmsg_data=[master]}]}',
    pointers: [
      { offset: 16, to: { bytes: vector, text: 'iov', pointers: [{ offset: 0, to: 't' }] } },
      { offset: 32, to: { bytes: control, text: 'control', holds: [{ offset: 16, result: 'master' }] } },
    ],
  };
  return step('hand the other end of the terminal to the monitor', 'sendmsg', [
    constant(String(FD.CONSOLE), FD.CONSOLE),
    message,
    0,
  ]);
}

/**
 * Gives the user's process its own process group, in PID 1's session: so it can be stopped (the group is not orphaned:
 * setpgid(2), "EPERM"; credentials(7)), and its terminal's keys reach it and not PID 1.
 */
export function ownProcessGroup(terminal: boolean): Step[] {
  const why = 'start the process in its own process group';
  const steps = [step(why, 'setpgid', [0, 0])];
  if (terminal) {
    steps.push(
      step('bring it to the foreground of its terminal', 'getpid', [], { result: 'self' }),
      step('bring it to the foreground of its terminal', 'ioctl', [0, TIOCSPGRP, { addressOf: 'self' }]),
    );
  }
  return steps;
}
