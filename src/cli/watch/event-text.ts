import type { ProcessName, WatchEvent } from '../../engine/watch.js';
import { visible } from '../../spec/parse/flag.js';
import type { Colour } from '../format/colour.js';

/** What has happened, as a sentence without the name of the container. */
export function eventText(event: WatchEvent): string {
  switch (event.type) {
    case 'up':
      return 'the container has started';
    case 'down':
      return 'the container has ended';
    case 'start':
      return `start ${named(event.process)}${event.parent ? `, child of ${named(event.parent)}` : ''}`;
    case 'exit':
      return `exit ${named(event.process)}${event.parent ? `, reaped by ${named(event.parent)}` : endedToo(event)}`;
    case 'exec':
      return `exec ${named(event.process)}, was ${visible(event.before)}`;
    case 'zombie':
      return `zombie ${named(event.process)}${event.parent ? `: ${named(event.parent)} has not waited for it` : ''}`;
    case 'reap':
      return `reap ${named(event.process)}${event.parent ? ` by ${named(event.parent)}` : endedToo(event)}`;
    case 'adopt': {
      const left = event.from ? `: left by ${named(event.from)}` : '';
      return `adopt ${named(event.process)}${event.parent ? ` by ${named(event.parent)}` : ''}${left}`;
    }
    case 'stop':
    case 'continue':
      return `${event.type} ${named(event.process)}`;
  }
}

/** Of a process that is gone, and whose parent is gone as well. */
function endedToo({ from }: { from?: ProcessName }): string {
  return from === undefined ? '' : `: its parent ${named(from)} has ended, too`;
}

/** `7 sleep`: the pid in the container, and the name. */
export function named({ pid, hostPid, name }: ProcessName): string {
  return `${pid ?? `${hostPid} outside`} ${visible(name)}`;
}

/** The colours of what people look out for. */
export const EVENT_COLOURS: Readonly<Partial<Record<WatchEvent['type'], Colour>>> = {
  zombie: 'red',
  adopt: 'yellow',
  reap: 'green',
  stop: 'cyan',
  down: 'bold',
  up: 'bold',
};
