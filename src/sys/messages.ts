import { closeSync } from 'node:fs';
import { addressOf, call, callInThread } from './ffi.js';

/** Messages with a descriptor, over a socket of `socketPair`: unix(7), SCM_RIGHTS. */

/** A longer message is cut off by the receiver, which refuses it. */
const MAX_MESSAGE = 16 * 1024;

const HEADER_SIZE = 56;
/** Of a control message with one descriptor: CMSG_SPACE and CMSG_LEN of cmsg(3). */
const CONTROL_SIZE = 24;
const CONTROL_LENGTH = 20;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;

/** struct msghdr of recvmsg(2), with one piece of data and room for one descriptor. The Buffers must be kept alive. */
class Message {
  readonly header = Buffer.alloc(HEADER_SIZE);
  readonly control = Buffer.alloc(CONTROL_SIZE);
  readonly #piece = Buffer.alloc(16); // struct iovec

  constructor(
    readonly data: Buffer,
    hasControl: boolean,
  ) {
    this.#piece.writeBigUInt64LE(addressOf(data), 0);
    this.#piece.writeBigUInt64LE(BigInt(data.length), 8);
    this.header.writeBigUInt64LE(addressOf(this.#piece), 16);
    this.header.writeBigUInt64LE(1n, 24);
    if (!hasControl) return;
    this.header.writeBigUInt64LE(addressOf(this.control), 32);
    this.header.writeBigUInt64LE(BigInt(CONTROL_SIZE), 40);
  }
}

/**
 * Sends a message, and a duplicate of the descriptor if one is given.
 * @throws SystemCallError: EPIPE if the receiver is gone
 */
export function sendMessage(socket: number, text: string, descriptor?: number): void {
  const MSG_NOSIGNAL = 0x4000;
  const message = new Message(Buffer.from(text), descriptor !== undefined);
  if (descriptor !== undefined) {
    message.control.writeBigUInt64LE(BigInt(CONTROL_LENGTH), 0);
    message.control.writeInt32LE(SOL_SOCKET, 8);
    message.control.writeInt32LE(SCM_RIGHTS, 12);
    message.control.writeInt32LE(descriptor, 16);
  }
  call('long sendmsg(int socket, const void *message, int flags)', socket, message.header, MSG_NOSIGNAL);
}

export interface ReceivedMessage {
  text: string;
  /** Close-on-exec; to be closed by the receiver. */
  descriptor: number | undefined;
}

/** Waits in another thread for the next message. @returns undefined if the other end is closed */
export async function receiveMessage(socket: number): Promise<ReceivedMessage | undefined> {
  const MSG_CMSG_CLOEXEC = 0x40000000;
  const MSG_TRUNC = 0x20;
  const MSG_CTRUNC = 0x8;
  const message = new Message(Buffer.alloc(MAX_MESSAGE), true);
  const size = await callInThread(
    '',
    'long recvmsg(int socket, void *message, int flags)',
    socket,
    message.header,
    MSG_CMSG_CLOEXEC,
  );
  if (size === 0) return undefined;
  const descriptor =
    message.header.readBigUInt64LE(40) >= BigInt(CONTROL_LENGTH) &&
    message.control.readInt32LE(12) === SCM_RIGHTS
      ? message.control.readInt32LE(16)
      : undefined;
  if (size < 0 || message.header.readInt32LE(48) & (MSG_TRUNC | MSG_CTRUNC)) {
    if (descriptor !== undefined) closeSync(descriptor);
    throw new Error('a message could not be received');
  }
  return { text: message.data.toString('utf8', 0, size), descriptor };
}
