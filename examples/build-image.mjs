/**
 * Builds an image from a Dockerfile that the program writes itself, runs it, and saves it for docker load.
 *
 *     node examples/build-image.mjs ARCHIVE
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Foster } from 'foster';

const [archive = 'greeting.tar'] = process.argv.slice(2);
const foster = new Foster();
const context = await mkdtemp(join(tmpdir(), 'greeting-'));
try {
  await writeFile(
    join(context, 'Dockerfile'),
    `FROM localhost/foster/busybox
ARG NAME
RUN echo "Hello, $NAME" > /greeting
CMD ["cat", "/greeting"]
`,
  );
  const { id, digest } = await foster.images.build({
    context,
    tags: ['greeting'],
    buildArgs: { NAME: 'world' },
    timestamp: 0, // the same image every time
    onProgress: (line) => console.error(line),
  });
  const { stdout } = await foster.run({ root: 'greeting', remove: true });
  await foster.images.save(['greeting'], { output: archive });
  console.log(JSON.stringify({ id, digest, stdout }));
} finally {
  await rm(context, { recursive: true });
}
