import type { Home } from './foster.js';

/**
 * Moments at which something may happen to a container that is being set up: milliseconds after foster was started,
 * spread evenly from the first on until a little after its command runs, on this machine as busy as it is.
 */
export async function momentsOfStart(home: Home, count: number): Promise<number[]> {
  const began = performance.now();
  const running = home.start(['--rm', 'busybox', 'echo', 'up']);
  await running.says('up');
  const span = (performance.now() - began) * 1.3;
  await running.ended;
  return Array.from({ length: count }, (_, index) => (span * index) / count);
}
