import { containersOf, type PodPlan } from '../kube/pod-plan.js';
import { type Block, type Explanation, heading, paragraph, terms } from './explanation.js';
import type { Say } from './say.js';

/** What the pods of a file of Kubernetes become: a pod each, with its containers in the order in which they are made. */
export function explainKube(file: string, plans: readonly PodPlan[], say: Say): Explanation {
  const pods = plans.map(podOf);
  return {
    title: say(pods.length === 1 ? '{1} describes a pod' : '{1} describes {2} pods', file, pods.length),
    blocks: [
      paragraph(say("Nothing was started: 'foster kube play' does it.")),
      ...pods.flatMap((pod) => podBlocks(pod, say)),
    ],
    data: { kind: 'kube', file, pods },
  };
}

type PodFacts = ReturnType<typeof podOf>;

function podOf(plan: PodPlan) {
  const { meta, spec, restart, ports, aliases, after } = plan;
  const sharesPids = (spec.shareProcessNamespace ?? false) || (spec.hostPID ?? false);
  const ofHost = [
    ...(spec.hostNetwork ? ['network'] : []),
    ...(spec.hostPID ? ['pid'] : []),
    ...(spec.hostIPC ? ['ipc'] : []),
  ];
  return {
    name: meta.name,
    shares: ['ipc', 'network', 'uts', ...(sharesPids ? ['pid'] : [])],
    ofHost,
    restart: restart.policy,
    ports,
    aliases,
    volumes: (spec.volumes ?? []).map(({ name }) => name),
    ...(after !== undefined && { after }),
    containers: containersOf(plan).map(({ container, role }) => ({
      name: container.name,
      role,
      image: container.image,
      command: [...(container.command ?? []), ...(container.args ?? [])],
      mounts: (container.volumeMounts ?? []).map(({ name, mountPath }) => `${name} at ${mountPath}`),
    })),
  };
}

function podBlocks(pod: PodFacts, say: Say): Block[] {
  const { name, shares, ofHost, restart, ports, aliases, volumes, after, containers } = pod;
  const rows = [
    { term: say('shares'), meaning: say('{1}: held by its infra container', shares.join(', ')) },
    ...(ofHost.length > 0 ? [{ term: say('of the host'), meaning: ofHost.join(', ') }] : []),
    { term: 'PID 1', meaning: reaperOf(shares, ofHost, say) },
    { term: say('restart'), meaning: restart },
    ...(ports.length > 0 ? [{ term: say('ports'), meaning: ports.join(', ') }] : []),
    ...(aliases.length > 0 ? [{ term: say('other names'), meaning: aliases.join(', ') }] : []),
    ...(volumes.length > 0 ? [{ term: say('volumes'), meaning: volumes.join(', ') }] : []),
    ...(after === undefined ? [] : [{ term: say('starts after'), meaning: after }]),
  ];
  return [
    heading(say('Pod {1}', name)),
    terms(rows),
    {
      kind: 'table',
      head: [say('container'), say('role'), say('image'), say('command'), say('mounts')],
      rows: containers.map((one) => [
        one.name,
        one.role,
        one.image,
        one.command.join(' ') || say("the image's"),
        one.mounts.join(', ') || '-',
      ]),
    },
  ];
}

function reaperOf(shares: readonly string[], ofHost: readonly string[], say: Say): string {
  if (ofHost.includes('pid')) return say("the host's; foster-init adopts the orphans of each container");
  return shares.includes('pid')
    ? say('one for all containers: it adopts their orphans')
    : say('one in each container');
}
