import { createHash, type Hash } from 'node:crypto';
import { callInThread, callRaw, hasFunction, type Pointer } from './ffi.js';

/**
 * SHA-256 of data that comes in pieces, computed in another thread, by the OpenSSL that Node itself uses and offers to its
 * addons. If this Node does not offer it, the thread that calls does the work.
 */
export class Sha256 {
  readonly #own: Hash | undefined;
  readonly #context: Pointer | undefined;

  constructor() {
    if (!isOffered()) {
      this.#own = createHash('sha256');
      return;
    }
    const context = callRaw('', 'void *EVP_MD_CTX_new()') as unknown as Pointer;
    const algorithm = callRaw('', 'const void *EVP_sha256()') as unknown as Pointer;
    const begun = callRaw(
      '',
      'int EVP_DigestInit_ex(void *context, const void *algorithm, void *engine)',
      context,
      algorithm,
      null,
    );
    if (begun !== 1) throw new Error('SHA-256 cannot be computed');
    this.#context = context;
  }

  /** Takes the next piece, which must not change until this is done. Only one call at a time. */
  async update(piece: Buffer): Promise<void> {
    if (this.#context === undefined) {
      this.#own?.update(piece);
      return;
    }
    const prototype = 'int EVP_DigestUpdate(void *context, const void *data, size_t size)';
    const done = await callInThread('', prototype, this.#context, piece, piece.length);
    if (done !== 1) throw new Error('SHA-256 cannot be computed');
  }

  /** `sha256:` and 64 hexadecimal digits. Must be called once, when all pieces are taken, unless the process ends. */
  digest(): string {
    if (this.#context === undefined) return `sha256:${this.#own?.digest('hex')}`;
    const digest = Buffer.alloc(32);
    const prototype = 'int EVP_DigestFinal_ex(void *context, void *digest, void *size)';
    const done = callRaw('', prototype, this.#context, digest, null);
    callRaw('', 'void EVP_MD_CTX_free(void *context)', this.#context);
    if (done !== 1) throw new Error('SHA-256 cannot be computed');
    return `sha256:${digest.toString('hex')}`;
  }
}

function isOffered(): boolean {
  return (
    ['new', 'free'].every((end) => hasFunction('', `EVP_MD_CTX_${end}`)) && hasFunction('', 'EVP_sha256')
  );
}
