import { holdSignals } from '../init/clone.js';
import { abandon, type Launched, type LaunchObserver, launch } from '../launch/launch.js';
import { closeAll } from '../launch/streams.js';
import type { Plan } from '../plan/step.js';
import type { RunRequest } from '../spec/request.js';
import { surroundings } from '../sys/surroundings.js';
import { type Attachment, announce, entered, imagineAttachment, named, startAttached } from './attachment.js';
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
  if (request.dryRun) {
    const { planText } = await import('./explain.js');
    observer.print(planText((await planOfRun(request)).plan));
    return 0;
  }
  const draft = await draftRequest(request);
  await makeRoom(request);
  if (isDetached(request, draft)) {
    const { runDetached } = await import('./start.js');
    return await runDetached(request, draft, observer);
  }
  return await runForeground(request, draft, observer);
}

/** The observer of a launch for --explain, and the plan, which may have to wait for strace. */
async function observed(
  plan: Plan,
  request: RunRequest,
  observer: RunObserver,
): Promise<{ plan: Plan; launchObserver?: LaunchObserver }> {
  if (!request.explain) return { plan };
  const { explainer } = await import('./explain.js');
  const { attachStrace, heldPlan, traceFile } = await import('./traced.js');
  const file = traceFile();
  if (file === undefined) return { plan, launchObserver: explainer(plan, observer.explain) };
  const held = heldPlan(plan);
  const attach = (pid: number) => attachStrace(pid, file, plan);
  return { plan: held, launchObserver: { ...explainer(held, observer.explain), attach } };
}

/** The plan of a run that is not started: nothing is created, and no address is taken. @throws FosterError */
export async function planOfRun(request: RunRequest): Promise<{ draft: Draft; plan: Plan }> {
  const draft = await draftRequest(request);
  const wishes = {
    verbose: request.initVerbose,
    detached: isDetached(request, draft),
    kept: request.keptDescriptors,
  };
  const network = await imagineAttachment(draft);
  closeAll([network?.namespace]);
  return { draft, plan: planContainer(draft, wishes, network).plan };
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
  return await startAttached(named(draft, request), (network) =>
    runAttached(request, draft, observer, network),
  );
}

/** Creates a container in the networks that it is attached to, starts it, and becomes its monitor. */
async function runAttached(
  request: RunRequest,
  draft: Draft,
  observer: RunObserver,
  network: Attachment | undefined,
): Promise<never> {
  const { plan: usual } = planContainer(
    draft,
    { verbose: request.initVerbose, detached: false, kept: request.keptDescriptors },
    network,
  );
  const { plan, launchObserver } = await observed(usual, request, observer);
  const templates = observer.template && (await import('./run-template.js'));
  holdSignals();
  const { record, lock, filled } = await createHeld(request, draft);
  let launched: Launched | undefined;
  let files: MonitorFiles | undefined;
  let keepTemplate = () => {};
  try {
    writeCgroups(record.id, plan);
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
        const { template: wish } = observer;
        if (wish === undefined || templates === undefined) return;
        const monitor = monitorOf(undefined, foreground);
        keepTemplate = templates.prepareRunTemplate(wish, {
          request,
          record,
          plan,
          monitor,
          network,
          filled,
          kind: 'foreground',
        });
      },
    });
    writePidFile(record, launched.pid);
    printUnseen(record.id, request.attached, observer);
    keepTemplate();
    becomeMonitor(launched, foreground, files);
  } catch (error) {
    if (launched !== undefined) abandon(launched);
    closeAll([files?.blob, files?.folder, files?.events]);
    removeHeld(record, lock, { volumes: true });
    dropIdFile(request.cidfile);
    throw error;
  }
}
