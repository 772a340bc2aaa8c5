/** The position of an instruction, counted from the end of the program. */
export type Label = number;

/** Codes of classic BPF, <linux/bpf_common.h>: the constant is k, the accumulator A. */
const CODE = {
  /** A = the 32-bit word of the data at k */
  LOAD: 0x20,
  AND: 0x54,
  /** jumps k instructions forward */
  JA: 0x05,
  JEQ: 0x15,
  JGT: 0x25,
  JGE: 0x35,
  RET: 0x06,
} as const;

/** The maximum distance of conditional jumps. */
const MAX_OFFSET = 255;

interface Instruction {
  code: number;
  yes: number;
  no: number;
  constant: number;
}

/**
 * Builds a classic BPF program from its end to its start. BPF only jumps forward, so each instruction is added after
 * those it can jump to.
 */
export class Assembler {
  readonly #code: Instruction[] = [];
  readonly #returns = new Map<number, Label>();

  /** The number of instructions so far. */
  get length(): number {
    return this.#code.length;
  }

  /** Returns `value`. Equal values share an instruction if it is in reach. */
  ret(value: number): Label {
    const known = this.#returns.get(value);
    if (known !== undefined && this.#reaches(known)) return known;
    const label = this.#add(CODE.RET, value);
    this.#returns.set(value, label);
    return label;
  }

  /** A = the word at `offset` of the data; continues at `next`. */
  load(offset: number, next: Label): Label {
    this.#continueAt(next);
    return this.#add(CODE.LOAD, offset);
  }

  /** A = A & the lower 32 bits of `mask`; continues at `next`. */
  and(mask: number, next: Label): Label {
    this.#continueAt(next);
    return this.#add(CODE.AND, mask);
  }

  /** Compares A with the lower 32 bits of `value`, both unsigned. */
  jump(test: 'JEQ' | 'JGT' | 'JGE', value: number, yes: Label, no: Label): Label {
    if (yes === no) return yes;
    // each may need an additional jump to reach it, which moves the other away by one
    const nearYes = this.#bringIntoReach(yes);
    const nearNo = this.#bringIntoReach(no);
    return this.#add(CODE[test], value, this.#distance(nearYes), this.#distance(nearNo));
  }

  /** The program as an array of struct sock_filter. */
  assemble(): Uint8Array {
    const bytes = new Uint8Array(this.length * 8);
    const view = new DataView(bytes.buffer);
    for (const [index, { code, yes, no, constant }] of this.#code.toReversed().entries()) {
      const at = index * 8;
      view.setUint16(at, code, true);
      view.setUint8(at + 2, yes);
      view.setUint8(at + 3, no);
      view.setUint32(at + 4, constant, true);
    }
    return bytes;
  }

  #add(code: number, constant: number, yes = 0, no = 0): Label {
    this.#code.push({ code, yes, no, constant });
    return this.length - 1;
  }

  /** The distance from a jump that is added next. */
  #distance(label: Label): number {
    return this.length - label - 1;
  }

  #reaches(label: Label): boolean {
    return this.#distance(label) < MAX_OFFSET;
  }

  #bringIntoReach(label: Label): Label {
    if (this.#reaches(label)) return label;
    const target = this.#code[label];
    return target?.code === CODE.RET ? this.ret(target.constant) : this.#add(CODE.JA, this.#distance(label));
  }

  #continueAt(label: Label): void {
    if (label !== this.length - 1) this.#add(CODE.JA, this.#distance(label));
  }
}
