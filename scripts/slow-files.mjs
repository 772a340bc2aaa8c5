/** A reporter for `node --test`: the files whose tests took longest, with the sum of their seconds. */
import { basename } from 'node:path';

const SHOWN = 10;

export default async function* slowFiles(events) {
  const seconds = new Map();
  for await (const { type, data } of events) {
    if ((type !== 'test:pass' && type !== 'test:fail') || data.nesting !== 0 || data.file === undefined)
      continue;
    const name = basename(data.file);
    seconds.set(name, (seconds.get(name) ?? 0) + data.details.duration_ms / 1000);
  }
  const longest = [...seconds].sort(([, a], [, b]) => b - a).slice(0, SHOWN);
  yield `longest: ${longest.map(([name, sum]) => `${name} ${sum.toFixed(1)} s`).join(', ')}\n`;
}
