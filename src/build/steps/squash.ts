import { diffIDsOf, findUnpackedLayers } from '../../image/store/layers.js';
import { unpackLayers } from '../../image/store/unpack-layers.js';
import type { ChosenMaps } from '../../spec/choose-id-maps.js';
import type { StageLayer } from '../dockerfile/state.js';
import { makeLayer } from './make-layer.js';

/** The unpacked layers of a stage, topmost first. Layers of cached steps may have to be unpacked first. */
export async function unpackedLayers(layers: StageLayer[], maps: ChosenMaps): Promise<string[]> {
  const image = {
    manifest: { layers: layers.map(({ descriptor }) => descriptor) },
    config: { rootfs: { type: 'layers' as const, diff_ids: layers.map(({ diffID }) => diffID) } },
  };
  return findUnpackedLayers(diffIDsOf(image), maps) ?? (await unpackLayers(image, { maps }));
}

/** One layer with all that is in a tree made of layers. @throws FosterError */
export async function squashLayers(
  layers: StageLayer[],
  { maps, timestamp }: { maps: ChosenMaps; timestamp: number | undefined },
): Promise<StageLayer> {
  return await treeLayer(await unpackedLayers(layers, maps), { maps, timestamp });
}

/** One layer with all files of a tree. @param trees unpacked layers, topmost first */
export async function treeLayer(
  trees: string[],
  { maps, timestamp }: { maps: ChosenMaps; timestamp: number | undefined },
): Promise<StageLayer> {
  return await makeLayer({
    maps,
    layers: findUnpackedLayers([], maps) ?? [],
    changes: [
      {
        kind: 'copy',
        from: { layers: trees, sources: ['/'], excludes: [], keepsParents: false },
        path: '/',
        isDirectory: true,
        owner: undefined,
        mode: undefined,
      },
    ],
    inputs: [],
    mountPoints: [],
    timestamp,
  });
}
