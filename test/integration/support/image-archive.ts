import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { OWN } from './oci-layout.js';
import { BUSYBOX, RootsHome } from './roots.js';
import { memberBlocks, type TestMember, tar } from './tar.js';

/** A layer with the machine's static busybox and names for it. */
export const BUSYBOX_LAYER: TestMember[] = [
  { name: 'bin/', type: '5', mode: 0o755 },
  { name: 'bin/busybox', content: readFileSync(BUSYBOX), mode: 0o755 },
  ...'sh cat ls stat id true echo rm mkdir touch find ln sleep mv chown'
    .split(' ')
    .map((name) => ({ name: `bin/${name}`, type: '2', target: 'busybox' })),
];

export interface ArchivedTestImage {
  names?: string[];
  /** Bottommost first: members, or the bytes of the layer. */
  layers: (TestMember[] | Buffer)[];
  config?: Record<string, unknown>;
  /** The layers in the config, if they are wrong. */
  diffIDs?: string[];
  history?: Record<string, unknown>[];
  /** RFC 3339. */
  created?: string;
}

export function hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Images as `docker save` writes them. */
export function dockerArchive(...images: ArchivedTestImage[]): Buffer {
  const members = new Map<string, Buffer>();
  const list = images.map(({ names = [], layers, config = {}, diffIDs, history, created }) => {
    const plain = layers.map((layer) => (Buffer.isBuffer(layer) ? layer : tar(...layer)));
    const Layers = plain.map((layer) => `${hex(layer)}.tar`);
    for (const [index, layer] of plain.entries()) members.set(Layers[index] ?? '', layer);
    const document = {
      ...OWN,
      config,
      rootfs: { type: 'layers', diff_ids: diffIDs ?? plain.map((layer) => `sha256:${hex(layer)}`) },
      ...(history && { history }),
      ...(created !== undefined && { created }),
    };
    const bytes = Buffer.from(JSON.stringify(document));
    members.set(`${hex(bytes)}.json`, bytes);
    return { Config: `${hex(bytes)}.json`, RepoTags: names, Layers };
  });
  members.set('manifest.json', Buffer.from(JSON.stringify(list)));
  return Buffer.concat([
    ...[...members].map(([name, content]) => memberBlocks({ name, content })),
    Buffer.alloc(1024),
  ]);
}

/** A home with access to its image store. */
export class ImagesHome extends RootsHome {
  /** Loads an archive, which must succeed. */
  load(archive: Buffer): string {
    const { status, stdout, stderr } = this.foster(['load'], { input: archive });
    if (status !== 0) throw new Error(`foster load failed: ${stderr}`);
    return stdout;
  }

  /** Removes all containers and images, by the library: four starts of Node after each test took longer than some tests. */
  async clear(): Promise<void> {
    const { Foster } = await import('./library.js');
    const foster = new Foster({ env: this.env });
    for (const { id } of await foster.list()) await foster.remove(id, { force: true });
    for (const { id } of await foster.images.list()) await foster.images.remove(id, { force: true });
  }

  /** All files of the image store and the layers, except the index. */
  stored(): { blobs: string[]; layers: string[]; leftovers: string[] } {
    const entries = (folder: string) => {
      try {
        return readdirSync(this.path(`data/foster/${folder}`)).sort();
      } catch {
        return [];
      }
    };
    return {
      blobs: entries('images/blobs/sha256'),
      layers: entries('layers'),
      leftovers: [
        ...entries('images/incoming'),
        ...entries('roots').filter((name) => name.startsWith('tmp-')),
      ],
    };
  }
}
