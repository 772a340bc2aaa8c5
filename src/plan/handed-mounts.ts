import type { Mount } from '../spec/types.js';
import { wire } from '../sys/wire-constants.js';
import { FD, type PlanFacts } from './facts.js';
import { type Bytes, constant, type HandMount, type HostStep, type Step, step } from './step.js';

/** Whether the files of a bind mount should belong to the container's users: OCI runtime-spec, "mount options". */
export function isShifted({ options }: Mount): boolean {
  return options.includes('idmap') || options.includes('ridmap');
}

const KEEP_ID = 'with --userns keep-id, root in the container is root on the host';

const UNSUPPORTED = 'its file system does not support idmapped mounts';
const NOT_SHIFTED = adviceFor(`${UNSUPPORTED}; ${KEEP_ID}`);

/** What mount_setattr(2) says where ids cannot be shifted. */
function adviceFor(sentence: string): Readonly<Record<string, string>> {
  return { EINVAL: sentence, EPERM: sentence, ENOSYS: sentence, ENOTSUP: sentence };
}

/** The mounts that PID 1 receives, in the order of its steps: `receiveMount`. */
export function handMounts(mounts: Mount[], { storage, mustShift, beneath }: PlanFacts): HandMount[] {
  const volumes = mounts.filter(isShifted).map(({ source, destination, options }): HandMount => {
    const isNeeded = mustShift?.has(destination) ?? false;
    const part = beneath?.get(destination);
    return {
      kind: 'hand',
      source,
      ...(part && { beneath: { top: part.top, path: part.path } }),
      isDeep: options.includes('rbind'),
      allowsDevices: options.includes('dev'),
      mustShift: isNeeded,
      why: `take ${source} from the host, to mount it at ${destination}`,
      ...(isNeeded && { advice: adviceFor(`${UNSUPPORTED}; leave idmap out`) }),
    };
  });
  if (!storage.isShifted) return volumes;
  const [source = '/'] = storage.layers;
  const why = `use ${source} as the root filesystem`;
  return [
    ...volumes,
    { kind: 'hand', source, isDeep: false, allowsDevices: false, mustShift: true, why, advice: NOT_SHIFTED },
  ];
}

/**
 * The warning about files that belong to nobody in the container, if any. @param outcomes by the numbers of the steps:
 * HANDED_*
 */
export function shiftWarning(steps: readonly HostStep[], outcomes: readonly number[]): string | undefined {
  const sources = (outcome: number) =>
    steps.flatMap((step, index) =>
      step.kind === 'hand' && outcomes[index] === outcome ? [step.source] : [],
    );
  const parts = [
    ...sources(wire.HANDED_PLAIN),
    ...sources(wire.HANDED_TOP_ONLY).map((source) => `what is mounted below ${source}`),
  ];
  if (parts.length === 0) return undefined;
  return `the files of ${parts.join(', ')} belong to nobody in the container, because their file system does not support idmapped mounts; ${KEEP_ID}`;
}

/** recvmsg(2) of a descriptor, which is kept as `result`: struct msghdr, struct cmsghdr and one int. */
export function receiveMount(why: string, result: string): Step {
  const control = Buffer.alloc(24);
  control.writeInt32LE(-1, 16); // an invalid descriptor, if none arrives
  const vector = Buffer.alloc(16);
  vector.writeBigUInt64LE(1n, 8);
  const header = Buffer.alloc(56);
  header.writeBigUInt64LE(1n, 24);
  header.writeBigUInt64LE(BigInt(control.length), 40);
  const message: Bytes = {
    bytes: header,
    text: `{msg_control=[{cmsg_type=SCM_RIGHTS, cmsg_data=[${result}]}]}`,
    pointers: [
      {
        offset: 16,
        to: {
          bytes: vector,
          text: 'iov',
          pointers: [{ offset: 0, to: { bytes: Buffer.alloc(1), text: 'byte' } }],
        },
      },
      { offset: 32, to: { bytes: control, text: 'control', holds: [{ offset: 16, result }] } },
    ],
  };
  return step(why, 'recvmsg', [
    constant(String(FD.CONTROL), FD.CONTROL),
    message,
    constant('MSG_CMSG_CLOEXEC', 0x40000000),
  ]);
}
