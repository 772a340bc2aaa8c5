import { processStart } from '../sys/process.js';
import { surroundings } from '../sys/surroundings.js';
import type { Composer } from '../view/composer.js';
import type { Patch } from '../view/patch.js';
import { pauseFor, type Snapshot, watch } from './watch.js';

export interface ViewRequest {
  /** Names or ids; all that run by default. */
  containers?: readonly string[] | undefined;
  /** Milliseconds between two looks. */
  interval: number;
}

/** Where the page can be seen. */
export interface ViewAddress {
  /** Makes an address that works once, for one browser. */
  next(): string;
  /** Opens an address in the caller's browser, if there is a desktop with one. */
  open(address: string): void;
}

/**
 * Serves a page on 127.0.0.1 that shows containers as they live, until the caller interrupts it. Looks at them only while a page is
 * open.
 * @param request.port 0 for any that is free
 * @param onReady called when the page can be opened
 * @throws FosterError if one of `containers` does not exist, or if it cannot listen
 */
export async function serveView(
  { containers, interval, port }: ViewRequest & { port: number },
  onReady: (address: ViewAddress) => void,
): Promise<void> {
  const { ViewServer } = await import('../view/server.js');
  const { openInBrowser } = await import('../view/browser.js');
  const composer = await newComposer();
  const server = await ViewServer.listen(port);
  const undos = [() => server.close()];
  const close = () => {
    for (const undo of undos.splice(0)) undo();
  };
  const stopListening = surroundings().onInterrupt(close);
  const pause = async (milliseconds: number) => {
    await pauseFor(milliseconds);
    await server.wanted();
  };
  try {
    const looks = watch({ containers, interval, pause });
    const first: Look = (await looks.next()).value; // says it if there is no such container
    onReady({
      next: () => server.newAddress(),
      open(address) {
        const undo = openInBrowser(address);
        if (undo === undefined) return;
        undos.push(undo);
        void server.wanted().then(undo); // the browser has read it
      },
    });
    await show(composer, server, first);
    for await (const look of looks) await show(composer, server, look);
  } finally {
    stopListening();
    close();
  }
}

type Look = { snapshot: Snapshot; events: Parameters<Composer['next']>[0]['events'] };

async function show(
  composer: Composer,
  server: { show(patch: Patch, scene: Composer['scene']): void },
  look: Look,
): Promise<void> {
  const patch = await composer.next(look);
  server.show(patch, composer.scene);
}

/**
 * Writes a page that shows later, without foster, what happens now: until the caller interrupts it or, if containers are given, all
 * of them have run and ended.
 * @param path must not exist
 * @throws FosterError
 */
export async function recordView({
  containers,
  interval,
  path,
}: ViewRequest & { path: string }): Promise<void> {
  const { Recording } = await import('../view/recording.js');
  const composer = await newComposer();
  const looks = watch({ containers, interval });
  const first: Look = (await looks.next()).value;
  const recording = new Recording(path);
  const stopListening = surroundings().onInterrupt(() => recording.close());
  try {
    recording.add(await composer.next(first));
    let haveRun = isAnyUp(first.snapshot);
    for await (const look of looks) {
      recording.add(await composer.next(look));
      haveRun ||= isAnyUp(look.snapshot);
      if (containers !== undefined && haveRun && !isAnyUp(look.snapshot)) break;
    }
  } finally {
    stopListening();
    recording.close();
  }
}

function isAnyUp({ containers }: Snapshot): boolean {
  return containers.some(({ hostPid, status }) => hostPid !== 0 || status === 'restarting');
}

async function newComposer(): Promise<Composer> {
  const { Composer } = await import('../view/composer.js');
  return new Composer({ pid: process.pid, start: processStart(process.pid) ?? '' });
}
