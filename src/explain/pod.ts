import { statusWord } from '../container/store.js';
import { podState } from '../pod/state.js';
import { infraOf, type Pod, withoutInfra } from '../pod/store.js';
import { type Explanation, heading, listed, paragraph, terms } from './explanation.js';
import type { Say } from './say.js';

/** A pod: who holds its namespaces, which its containers share, and who they are. */
export function explainPod(pod: Pod, say: Say): Explanation {
  const { record } = pod;
  const infra = infraOf(pod);
  const containers = withoutInfra(pod).map(({ record: one, state }) => ({
    name: one.name,
    status: statusWord(state),
    pid: state.pid,
    command: one.spec.process.args.join(' '),
  }));
  const shares = [...record.shares].sort();
  const reaper = shares.includes('pid')
    ? say('They share one PID namespace: its PID 1 adopts the orphans of all of them.')
    : say('Each has its own PID namespace, whose PID 1 adopts its orphans.');
  const holder = (name: string) =>
    say(
      'Its infra container {1} holds the namespaces that its containers share: {2}.',
      name,
      listed(['user', ...shares], say),
    );
  return {
    title: say(
      'Pod {1} ({2}): {3}, {4} containers',
      ...[record.name, record.id.slice(0, 12), podState(pod), containers.length],
    ),
    blocks: [
      paragraph(
        infra === undefined
          ? say('It has no infra container, so its containers share nothing.')
          : say('{1} {2}', holder(infra.record.name), reaper),
      ),
      ...(infra === undefined
        ? []
        : [
            terms([
              {
                term: say('infra'),
                meaning: `${statusWord(infra.state)}, ${say('process {1} of the host', infra.state.pid)}`,
              },
            ]),
          ]),
      heading(say('Containers')),
      {
        kind: 'table',
        head: [say('name'), say('status'), say('host pid'), say('command')],
        rows: containers.map(({ name, status, pid, command }) => [
          name,
          status,
          pid === 0 ? '-' : String(pid),
          command,
        ]),
      },
      paragraph(say("'foster explain NAME' explains one of them.")),
    ],
    data: {
      kind: 'pod',
      id: record.id,
      name: record.name,
      state: podState(pod),
      shares,
      ...(infra && { infra: infra.record.name, pid: infra.state.pid }),
      containers,
    },
  };
}
