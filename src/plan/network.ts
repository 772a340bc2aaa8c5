import { type Bytes, constant, type Step, step } from './step.js';

/** Brings up `lo`, the only interface in a new network namespace: netdevice(7). */
export function loopbackUp(): Step[] {
  const why = 'bring up the loopback interface';
  const request = Buffer.alloc(40); // struct ifreq
  request.write('lo', 0);
  request.writeUInt16LE(0x41, 16);
  const ifreq: Bytes = { bytes: request, text: '{ifr_name="lo", ifr_flags=IFF_UP|IFF_RUNNING}' };
  return [
    step(why, 'socket', [constant('AF_INET', 2), constant('SOCK_DGRAM|SOCK_CLOEXEC', 2 | 0o2000000), 0], {
      result: 'socket',
    }),
    step(why, 'ioctl', [{ result: 'socket' }, constant('SIOCSIFFLAGS', 0x8914), ifreq]),
    step(why, 'close', [{ result: 'socket' }]),
  ];
}
