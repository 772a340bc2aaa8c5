import { surroundings } from '../../sys/surroundings.js';

/** Whether a stream is a terminal that can move its cursor, so that bars can be drawn on it. */
export function canDraw(stream: NodeJS.WriteStream | undefined): stream is NodeJS.WriteStream {
  return stream?.isTTY === true && surroundings().env.TERM !== 'dumb';
}
