import type { Patch } from '../view/patch.js';

/** Where the page has its data from. */
export type Source = { kind: 'live'; listen(to: Listener): void } | { kind: 'recorded'; patches: Patch[] };

export interface Listener {
  /** Everything, at the beginning and after a gap. */
  onScene(patch: Patch): void;
  onPatch(patch: Patch): void;
  onLost(): void;
}

export function findSource(): Source {
  const recording = document.getElementById('recording');
  if (recording !== null) return { kind: 'recorded', patches: linesOf(recording.textContent ?? '') };
  return { kind: 'live', listen };
}

/** The last line is cut if the recording was killed. */
function linesOf(text: string): Patch[] {
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as Patch];
    } catch {
      return [];
    }
  });
}

function listen({ onScene, onPatch, onLost }: Listener): void {
  const stream = new EventSource('/changes');
  const on = (name: string, take: (patch: Patch) => void) =>
    stream.addEventListener(name, ({ data }: MessageEvent<string>) => take(JSON.parse(data)));
  on('scene', onScene);
  on('patch', onPatch);
  // the browser comes again by itself, if there is somebody
  stream.addEventListener('error', onLost);
}
