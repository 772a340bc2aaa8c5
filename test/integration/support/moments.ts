import type { Home } from './foster.js';

/**
 * Moments during the set-up of a container: milliseconds after the start of foster, evenly spread until shortly after
 * its command runs, under the current load of this machine.
 */
export async function momentsDuringStart(home: Home, count: number): Promise<number[]> {
  const began = performance.now();
  const running = home.start(['--rm', 'busybox', 'echo', 'up']);
  await running.says('up');
  const span = (performance.now() - began) * 1.3;
  await running.ended;
  return Array.from({ length: count }, (_, index) => (span * index) / count);
}
