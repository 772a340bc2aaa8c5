/** struct seccomp_data: the kernel's description of a call. */
export interface Call {
  arch: number;
  nr: number;
  args?: bigint[];
}

/** Runs a classic BPF program as the kernel does (net/core/filter.c), which also checks that it is well formed. */
export function interpret(program: Uint8Array, { arch, nr, args = [] }: Call): number {
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, nr, true);
  data.setUint32(4, arch, true);
  for (const [index, arg] of args.entries()) data.setBigUint64(16 + 8 * index, arg, true);

  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  let accumulator = 0;
  for (let at = 0; ; at += 8) {
    const code = view.getUint16(at, true);
    const [yes, no] = [view.getUint8(at + 2), view.getUint8(at + 3)];
    const k = view.getUint32(at + 4, true);
    switch (code) {
      case 0x20:
        accumulator = data.getUint32(k, true);
        break;
      case 0x54:
        accumulator = (accumulator & k) >>> 0;
        break;
      case 0x05:
        at += k * 8;
        break;
      case 0x15:
        at += (accumulator === k ? yes : no) * 8;
        break;
      case 0x25:
        at += (accumulator > k ? yes : no) * 8;
        break;
      case 0x35:
        at += (accumulator >= k ? yes : no) * 8;
        break;
      case 0x06:
        return k;
      default:
        throw new Error(`instruction ${at / 8} has the code ${code}`);
    }
  }
}
