import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { type AttachOptions as ClientAttach, connectMonitor } from '../container/attach.js';
import { announce, named, startAttached } from '../container/attachment.js';
import { dropIdFile, type HeldContainer } from '../container/create.js';
import { createHeld, makeRoom } from '../container/create-held.js';
import type { Draft } from '../container/draft.js';
import { draftRequest } from '../container/draft-request.js';
import { killContainer } from '../container/kill.js';
import { planContainer } from '../container/plan.js';
import { removeHeld } from '../container/remove.js';
import { startHeld, startInfra } from '../container/start.js';
import { findContainer, isAlive, isLocked, readContainer } from '../container/store.js';
import { underWay } from '../container/under-way.js';
import { unlockStore } from '../image/store/lock.js';
import { reapEnded } from '../init/children.js';
import { nativeFile } from '../init/clone.js';
import { parseDetachKeys } from '../spec/parse/detach-keys.js';
import type { RunRequest } from '../spec/request.js';
import { FosterError, isExecutionFailure } from '../sys/errors.js';
import { waitFor } from '../sys/poll.js';
import { requireRunning } from './foreground.js';
import { inPod } from './in-pod.js';
import { carryStreams, programOf } from './streams.js';
import type { AttachOptions, ContainerResult, RunResult, StreamOptions } from './types.js';

const SIGKILL = 9;

/** Runs a container with the streams of the calling program attached, and waits until it has ended. */
export async function run(wanted: RunRequest, options: StreamOptions): Promise<ContainerResult> {
  return await inPod(wanted, (request) => runRequest(request, options));
}

async function runRequest(wanted: RunRequest, options: StreamOptions): Promise<ContainerResult> {
  const { inherit = false, stdin } = options;
  const request = { ...wanted, interactive: wanted.interactive || inherit || stdin !== undefined };
  const { record, client } = await launch(request, { hasTerminal: inherit });
  const { id, name } = record;
  const child = attachClient(record, client, {
    inherit,
    interactive: request.interactive,
    detachKeys: request.detachKeys,
  });
  const result = await carryStreams(programOf(child), options, () => end(id));
  // If a person has pressed the detach keys, the container keeps running.
  if (result.timedOut || result.outputExceeded || !inherit) await settled(id);
  return { id, name, ...result };
}

/**
 * Attaches a program's streams to a running container, and waits until the container has ended. `signal`, `timeout` and
 * `maxOutput` end the call earlier, and then only detach.
 */
export async function attach(reference: string, options: AttachOptions): Promise<RunResult> {
  const { inherit = false, stdin, detachKeys } = options;
  const { record, state } = findContainer(reference);
  requireRunning(reference, state.status);
  const child = attachClient(record, connectMonitor(record.id, { wantsAll: false }), {
    inherit,
    interactive: record.interactive && (inherit || stdin !== undefined),
    detachKeys: parseDetachKeys(detachKeys),
  });
  return await carryStreams(programOf(child), options, async () => void child.kill('SIGKILL'));
}

/** A container that runs, and the connection to its monitor. */
interface Running {
  record: HeldContainer['record'];
  client: number;
}

/** Creates a container and starts it, connected to its monitor so that no output is lost. */
async function launch(request: RunRequest, { hasTerminal }: { hasTerminal: boolean }): Promise<Running> {
  const draft = await draftRequest(request);
  return await underWay(draft.id, () => launchDraft(request, draft, hasTerminal));
}

async function launchDraft(request: RunRequest, draft: Draft, hasTerminal: boolean): Promise<Running> {
  await makeRoom(request);
  await startInfra(draft);
  return await startAttached(named(draft, request), async (network, onStart) => {
    const plan = planContainer(draft, { verbose: false, detached: true }, network);
    const { record, lock } = await createHeld(request, draft);
    unlockStore(); // its record says what it uses; with --rmi the image is removed as soon as it ends
    let isStarted = false;
    try {
      await announce(record, network);
      const client = await startHeld({ record, lock }, plan, {
        connection: { wantsAll: true, hasTerminal },
        onStart() {
          isStarted = true;
          onStart();
        },
      });
      closeSync(lock);
      return { record, client };
    } catch (error) {
      if (!isStarted) {
        removeHeld(record, lock, { volumes: true });
        dropIdFile(request.cidfile);
      } else {
        closeSync(lock);
        if (isExecutionFailure(error)) await settled(record.id);
      }
      throw error;
    }
  });
}

interface ClientOptions extends Pick<ClientAttach, 'interactive' | 'detachKeys'> {
  inherit: boolean;
}

/** Starts the process that carries the container's streams: foster-init, as in `foster attach`. It takes over `client`. */
function attachClient(
  { spec }: HeldContainer['record'],
  client: number,
  { inherit, interactive, detachKeys }: ClientOptions,
): ChildProcess {
  const flags = `${spec.process.terminal ? 't' : ''}${interactive ? 'i' : ''}${inherit ? 's' : ''}`;
  try {
    return spawn(nativeFile('foster-init'), ['attach', flags, detachKeys.toString('latin1')], {
      argv0: 'foster-init',
      env: {},
      stdio: inherit
        ? ['inherit', 'inherit', 'inherit', client]
        : [interactive ? 'pipe' : 'ignore', 'pipe', 'pipe', client],
      // Ctrl-C at the caller's terminal must reach only the caller.
      detached: !inherit,
    });
  } finally {
    closeSync(client);
  }
}

/** Kills a container, and waits until it has ended. */
async function end(id: string): Promise<void> {
  const container = readContainer(id);
  if (container === undefined || !isAlive(container.state)) return;
  try {
    await killContainer(container, SIGKILL);
  } catch (error) {
    if (!(error instanceof FosterError && error.kind === 'conflict')) throw error; // it has just ended
  }
  await settled(id);
}

/** Milliseconds that the monitor may take to clean up. */
const END_TIMEOUT = 10_000;

/** Waits until no process holds the lock of a container that has ended. With `remove`, its files are then gone. */
async function settled(id: string): Promise<void> {
  const deadline = performance.now() + END_TIMEOUT;
  while (isLocked(id) && performance.now() < deadline) await waitFor(5);
  reapEnded();
}
