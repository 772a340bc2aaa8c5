/**
 * Watches orphans: runs a program that leaves children behind, and tells how its PID 1 adopts and reaps them.
 *
 *     node examples/watch-orphans.mjs
 */
import { Foster } from 'foster';

const foster = new Foster();

/** Three children whose parent has ended before they do. */
const SCRIPT = 'for i in 1 2 3; do (sleep 0.5 &); done; sleep 2';

const since = new Date();
const container = await foster.create({ root: 'busybox', command: ['sh', '-c', SCRIPT], stopTimeout: 1 });
try {
  await foster.start(container);
  for await (const { action, id, attributes } of foster.events({ since })) {
    if (id !== container) continue;
    if (action === 'adopt' || action === 'reap') {
      console.log(`${action}: process ${attributes.pid} (${attributes.command ?? attributes.comm ?? '?'})`);
    }
    if (action === 'die') break;
  }
  const { orphans } = await foster.inspect(container);
  console.log(`adopted ${orphans?.adopted}, reaped ${orphans?.reaped}`);
} finally {
  await foster.remove(container, { force: true });
}
