import { holdSignals } from '../init/clone.js';
import { abandon, type Launched, type LaunchObserver, launch } from '../launch/launch.js';
import { closeAll } from '../launch/streams.js';
import type { RunRequest } from '../spec/request.js';
import { surroundings } from '../sys/surroundings.js';
import { announce, attachToNetworks, entered, giveBack, imagineAttachment, named } from './attachment.js';
import { oomReport, writeCgroups } from './cgroups.js';
import { dropIdFile } from './create.js';
import { createHeld, makeRoom } from './create-held.js';
import type { Draft } from './draft.js';
import { draftRequest } from './draft-request.js';
import {
  becomeMonitor,
  type Foreground,
  type MonitorFiles,
  monitorOf,
  openMonitorFiles,
} from './foreground.js';
import { writePidFile } from './pid-file.js';
import { planContainer } from './plan.js';
import { pathsOf, removeHeld } from './remove.js';
import { printUnseen, type RunObserver } from './run-observer.js';

/**
 * Runs a container. In the foreground this process becomes its monitor, so that the function does not return on success.
 * Detached, or in a dry run, it returns the exit code.
 * @throws FosterError; nothing is left behind then
 */
export async function runContainer(request: RunRequest, observer: RunObserver): Promise<number> {
  const draft = await draftRequest(request);
  if (request.dryRun) {
    const { planText } = await import('./explain.js');
    const wishes = {
      verbose: request.initVerbose,
      detached: isDetached(request, draft),
      kept: request.keptDescriptors,
    };
    const network = await imagineAttachment(draft);
    closeAll([network?.namespace]);
    observer.print(planText(planContainer(draft, wishes, network).plan));
    return 0;
  }
  await makeRoom(request);
  if (isDetached(request, draft)) {
    const { runDetached } = await import('./start.js');
    return await runDetached(request, draft, observer);
  }
  return await runForeground(request, draft, observer);
}

/**
 * Whether a separate monitor looks after the container, because the container outlives this command, may be restarted, or
 * may be left running with the detach keys. Messages of --init-verbose need a command that is the monitor itself.
 */
function isDetached(request: RunRequest, { health }: Draft): boolean {
  const { detach, restart, interactive, tty, initVerbose, passSignals } = request;
  const mayBeLeft = !passSignals || (interactive && tty && !initVerbose);
  return detach || restart.policy !== 'no' || health !== undefined || mayBeLeft;
}

async function runForeground(request: RunRequest, draft: Draft, observer: RunObserver): Promise<never> {
  if (draft.shares !== undefined) await (await import('./start.js')).startInfra(draft);
  const network = await attachToNetworks(named(draft, request));
  const { plan } = planContainer(
    draft,
    { verbose: request.initVerbose, detached: false, kept: request.keptDescriptors },
    network,
  );
  const launchObserver: LaunchObserver | undefined = request.explain
    ? (await import('./explain.js')).explainer(plan, observer.explain)
    : undefined;
  holdSignals();
  const { record, lock } = await createHeld(request, draft);
  writeCgroups(record.id, plan);
  let launched: Launched | undefined;
  let files: MonitorFiles | undefined;
  try {
    const interactive = request.interactive && request.attached.stdin;
    const foreground: Foreground = {
      plan,
      held: { record, lock },
      interactive,
      attached: request.attached,
      oom: oomReport(plan, `container ${record.name}`, record.spec),
      remove: record.rm ? pathsOf(record) : [],
      network,
    };
    await announce(record, network);
    launched = launch(plan, {
      stdin: interactive,
      isLogged: true,
      join: entered(network),
      holder: network?.holder,
      joinNamespace: network?.namespace,
      observer: launchObserver,
      warn: surroundings().warn,
      meanwhile: (starting) => {
        files = openMonitorFiles(starting, foreground);
      },
    });
    writePidFile(record, launched.pid);
    printUnseen(record.id, request.attached, observer);
    if (observer.template !== undefined) {
      const { keepRunTemplate } = await import('./run-template.js');
      const monitor = monitorOf(undefined, foreground);
      keepRunTemplate(observer.template, { request, record, plan, monitor, network, kind: 'foreground' });
    }
    becomeMonitor(launched, foreground, files);
  } catch (error) {
    if (launched !== undefined) abandon(launched);
    closeAll([network?.lock, network?.namespace, files?.blob, files?.folder, files?.events]);
    giveBack(network);
    removeHeld(record, lock, { volumes: true });
    dropIdFile(request.cidfile);
    throw error;
  }
}
