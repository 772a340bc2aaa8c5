import { wasOomKilled } from '../container/store.js';
import { processDetails } from '../watch/details.js';
import { processKey } from '../watch/events.js';
import type { ProcessName, Snapshot, WatchEvent, WatchedContainer, WatchedProcess } from '../watch/model.js';
import { ContainerFacts } from './facts.js';
import { NamespaceMemory } from './namespaces.js';
import { difference, type Patch } from './patch.js';
import {
  type ContainerRow,
  type EventProcess,
  emptyScene,
  HOST,
  type NamespaceRow,
  type ProcessRow,
  type Scene,
  type SceneEvent,
} from './scene.js';

/** Makes scenes of what is seen of processes and of everything else, and says what has changed since the last one. */
export class Composer {
  readonly #facts = new ContainerFacts();
  readonly #namespaces = new NamespaceMemory();
  readonly #host: NamespaceRow | undefined;
  #scene = emptyScene();

  /** @param self the process that looks, whose namespaces are the host's */
  constructor(self: { pid: number; start: string }) {
    this.#host = processDetails(self.pid, self.start)?.namespaces;
  }

  /** The last scene that was made. Not to be changed. */
  get scene(): Scene {
    return this.#scene;
  }

  async next({ snapshot, events }: { snapshot: Snapshot; events: WatchEvent[] }): Promise<Patch> {
    await this.#facts.look(snapshot.containers);
    const scene = this.#compose(snapshot);
    const wasUp = (id: string) => (this.#scene.containers.get(id)?.hostPid ?? 0) !== 0;
    const isUp = (id: string) => (scene.containers.get(id)?.hostPid ?? 0) !== 0;
    const seen = events.filter(
      ({ type, containerId: id }) => (type !== 'up' || isUp(id)) && (type !== 'down' || wasUp(id)),
    );
    const patch = {
      at: snapshot.at,
      tables: difference(this.#scene, scene),
      events: [...this.#oomKills(snapshot.at), ...seen.map(sceneEvent)],
    };
    this.#scene = scene;
    return patch;
  }

  /** The monitors note it when the kernel kills a process for the memory of its container, some only when that has ended. */
  #oomKills(at: number): SceneEvent[] {
    const isNew = ([id, { isOomKilled }]: [string, ContainerRow]) => !isOomKilled && wasOomKilled(id);
    return [...this.#scene.containers]
      .filter(isNew)
      .map(([, { name }]) => ({ at, type: 'oom', container: name }));
  }

  #compose({ containers }: Snapshot): Scene {
    const scene = emptyScene();
    const all = containers.flatMap(({ processes }) => processes);
    const namespaces = this.#namespaces.look(all);
    for (const container of containers) {
      scene.containers.set(container.id, {
        ...containerRow(container),
        ...this.#facts.connection(container.id),
        ...(wasOomKilled(container.id) && { isOomKilled: true }),
      });
      for (const process of container.processes) {
        const key = processKey(process);
        scene.processes.set(key, processRow(container.id, process, namespaces.get(key)));
      }
    }
    if (this.#host !== undefined) scene.namespaces.set(HOST, this.#host);
    for (const [key, row] of this.#namespaces.rows(namespaces.values())) scene.namespaces.set(key, row);
    const running = new Set(containers.filter(({ hostPid }) => hostPid !== 0).map(({ id }) => id));
    scene.stacks = new Map(this.#facts.stacks());
    scene.plans = new Map(this.#facts.plans());
    scene.networks = new Map(this.#facts.networks());
    scene.endpoints = new Map(this.#facts.endpoints(running));
    return scene;
  }
}

function containerRow({ name, image, status, hostPid, cpu, memory, counts }: WatchedContainer): ContainerRow {
  return { name, image, status, hostPid, cpu: tenths(cpu), memory, ...counts };
}

function processRow(
  container: string,
  { hostPid, pid, start, parent, name, command, state, threads, cpu, memory, ...rest }: WatchedProcess,
  namespaces: string | undefined,
): ProcessRow {
  return {
    ...{ container, hostPid, start: Number(start), parent, name, command, state, threads, memory },
    cpu: tenths(cpu),
    ...(pid !== undefined && { pid }),
    ...(rest.joined && { isExec: true }),
    ...(rest.adopted && { isAdopted: true }),
    ...(namespaces !== undefined && { namespaces }),
  };
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}

function sceneEvent(event: WatchEvent): SceneEvent {
  const { at, type, container } = event;
  return {
    ...{ at, type, container },
    ...('process' in event && { process: eventProcess(event.process) }),
    ...('parent' in event && event.parent && { parent: eventProcess(event.parent) }),
    ...('from' in event && event.from && { from: event.from.name }),
    ...('before' in event && { from: event.before }),
  };
}

function eventProcess({ hostPid, pid, name }: ProcessName): EventProcess {
  return { hostPid, name, ...(pid !== undefined && { pid }) };
}
