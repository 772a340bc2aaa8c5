import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Home, type Options, type Result, removeTree } from './foster.js';

/** An image of this machine's busybox. */
export const FROM = 'FROM localhost/foster/busybox';

interface Config {
  config: Record<string, unknown>;
  history: { created_by: string; empty_layer?: boolean }[];
  rootfs: { diff_ids: string[] };
}

/** A home in which images are built from folders of files. */
export class BuildHome extends Home {
  #folders = 0;

  /** Removes the unpacked layers, but not their archives. */
  removeLayers(): void {
    const folder = join(this.folder, 'data/foster/layers');
    for (const name of existsSync(folder) ? readdirSync(folder) : []) removeTree(join(folder, name));
  }

  /** Creates a context with these files: contents by name. */
  context(files: Record<string, string | Uint8Array>): string {
    const folder = join(this.folder, `context-${this.#folders++}`);
    mkdirSync(folder);
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
    return folder;
  }

  build(context: string, flags: string[] = [], options: Options = {}): Result {
    return this.foster(['build', ...flags, context], options);
  }

  /** Runs a build that must succeed. Returns the image's id. */
  built(context: string, flags: string[] = [], options: Options = {}): string {
    const { status, stdout, stderr } = this.build(context, ['-q', ...flags], options);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^sha256:[0-9a-f]{64}\n$/);
    return stdout.trim();
  }

  /** Builds a Dockerfile with the name `test` and returns what a command prints in a container of it. */
  outputOf(context: string, command: string, flags: string[] = []): string {
    this.built(context, ['-t', 'test', ...flags]);
    const { status, stdout, stderr } = this.run(['--rm', '--entrypoint', '', 'test', 'sh', '-c', command]);
    assert.equal(status, 0, stderr);
    return stdout;
  }

  blob(digest: string): Buffer {
    return readFileSync(join(this.folder, 'data/foster/images/blobs/sha256', digest.slice('sha256:'.length)));
  }

  config(id: string): Config {
    return JSON.parse(this.blob(id).toString()) as Config;
  }

  /** Manifest of the image with this full name. */
  manifest(name: string): { layers: { digest: string }[] } {
    const index = JSON.parse(readFileSync(join(this.folder, 'data/foster/images/index.json'), 'utf8')) as {
      manifests: { digest: string; annotations?: Record<string, string> }[];
    };
    const found = index.manifests.find(
      ({ annotations }) => annotations?.['org.opencontainers.image.ref.name'] === name,
    );
    assert.ok(found !== undefined, `${name} is in the index`);
    return JSON.parse(this.blob(found.digest).toString());
  }

  /** The topmost layer of an image, as an uncompressed tar archive. */
  topLayer(name: string): Buffer {
    const layer = this.manifest(name).layers.at(-1);
    assert.ok(layer !== undefined);
    return gunzipSync(this.blob(layer.digest));
  }
}
