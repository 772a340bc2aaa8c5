import { createHash } from 'node:crypto';
import { closeSync, openSync, utimesSync } from 'node:fs';
import { visible } from '../../spec/parse/flag.js';
import { FosterError } from '../../sys/errors.js';
import { writeFully } from '../../sys/write.js';
import { withAbortController } from '../../worker/interrupt.js';
import { Connections, connectionFailure, drain } from './http.js';
import { withRetries } from './retry.js';

/**
 * Downloads a file by http or https to a new file, with the time that the server gives it.
 * @returns its digest, `sha256:` and 64 hexadecimal digits
 * @throws FosterError
 */
export async function downloadURL(url: URL, path: string): Promise<string> {
  return await withAbortController(async ({ signal }) => {
    const connections = new Connections({ tlsVerify: true, signal });
    try {
      const response = await withRetries(
        url.host,
        connections,
        () => connections.send({ method: 'GET', url }),
        () => false,
      );
      if (response.statusCode !== 200) {
        await drain(response);
        throw new FosterError(
          `cannot download ${visible(url.href)}: ${url.host} responded with status ${response.statusCode}`,
          { exitCode: 1, advice: 'check the address' },
        );
      }
      const hash = createHash('sha256');
      const fd = openSync(path, 'wx', 0o600);
      try {
        for await (const piece of response as AsyncIterable<Buffer>) {
          hash.update(piece);
          writeFully(fd, piece);
        }
      } catch (error) {
        throw connectionFailure(url.host, error);
      } finally {
        closeSync(fd);
      }
      const modified = Date.parse(response.headers['last-modified'] ?? '');
      if (!Number.isNaN(modified)) utimesSync(path, modified / 1000, modified / 1000);
      return `sha256:${hash.digest('hex')}`;
    } finally {
      await connections.close();
    }
  });
}
