import type { Command } from 'commander';
import type { StoredEvent } from '../../engine/events.js';
import { eventJson } from '../../engine/views/event.js';
import { parseInstant } from '../../spec/parse/instants.js';
import { acceptBooleanValues, addHelpAfter, collect } from '../command.js';
import { compileTemplate } from '../format/template/template.js';
import { refuseFilters } from '../not-yet.js';
import { print } from '../output.js';

interface EventsFlags {
  since?: string;
  until?: string;
  filter?: string[];
  format?: string;
  stream?: boolean;
  trunc?: boolean;
}

/** `foster events`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description(
      'Print events of containers, networks and volumes as they happen, and past ones with --since or --until.',
    )
    .option('--since <TIME>', 'start at TIME: 2026-11-24T15:00:00Z, or 10m')
    .option('--until <TIME>', 'stop at TIME')
    .option(
      '-f, --filter <KEY=VALUE>',
      'print only matching events: container, event, image, label, network, type, volume',
      collect,
    )
    .option(
      '--format <FORMAT>',
      "json, or a template such as '{{.Time}} {{.Action}} {{.Actor.Attributes.name}}'",
    );
  command
    .option('--stream', 'wait for more events (default: true); --stream=false prints past ones')
    .option('--no-trunc', 'print full ids (default: true)', false);
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster events',
    '  foster events --since 1h --until 0s            the events of the last hour',
    '  foster events --stream=false                   all recorded events',
    '  foster events -f container=web -f event=die -f event=oom',
    '  foster events -f event=adopt -f event=reap     what PID 1 does',
    '',
    'Events: create, start, die, restart, stop, kill, pause, unpause, rename, update,',
    'exec, oom, health_status, destroy; adopt and reap (orphans and zombies).',
    'Of images: pull, push, tag, untag, save, load, import, delete. Of networks:',
    'create, connect, disconnect, destroy. Of volumes: create, mount, unmount, destroy.',
    '',
    'Fields of a template: .Time .TimeNano .Type .Action .ID .From .Actor.ID',
    '.Actor.Attributes .Scope; as in Podman also .Name .Image .Status .Attributes',
  ]);
  command.action(async (flags: EventsFlags) => {
    const now = Date.now();
    const format = eventFormat(flags.format);
    refuseFilters('events', flags.filter ?? []);
    const range = {
      since: flags.since === undefined ? undefined : milliseconds(parseInstant('--since', flags.since, now)),
      until: flags.until === undefined ? undefined : milliseconds(parseInstant('--until', flags.until, now)),
      filters: flags.filter ?? [],
    };
    if (flags.stream === false) range.until ??= now;
    const { stored } = await import('../../engine/events.js');
    for await (const event of stored(range)) {
      const shown = flags.trunc ? { ...event, id: event.id.slice(0, 12) } : event;
      print(`${format(shown)}\n`);
    }
  });
}

function milliseconds(nanoseconds: bigint): number {
  return Number(nanoseconds / 1_000_000n);
}

/** The format of events: Docker's line, Docker's JSON, or a template with the fields of the JSON. */
export function eventFormat(format: string | undefined): (event: StoredEvent) => string {
  if (format === undefined) return eventLine;
  if (format === 'json') return (event) => JSON.stringify(eventJson(event));
  const render = compileTemplate(format);
  return (event) => {
    const json = eventJson(event);
    return render({
      ...json,
      Status: json.status,
      ID: json.id,
      From: json.from,
      Scope: json.scope,
      Time: json.time,
      TimeNano: json.timeNano,
      Name: event.name,
      Image: json.from,
      Attributes: json.Actor.Attributes,
    });
  };
}

function eventLine({ time, type, action, id, name, attributes }: StoredEvent): string {
  const all = Object.entries(type === 'volume' ? attributes : { ...attributes, name }).toSorted(([a], [b]) =>
    a < b ? -1 : 1,
  );
  const text = `${instant(time)} ${type} ${action} ${id} (${all.map(([key, value]) => `${key}=${value}`).join(', ')})`;
  return visibleLine(text);
}

/** Labels may contain anything, so control characters are escaped: an event stays on one line. */
function visibleLine(text: string): string {
  return text.replace(/\p{Cc}/gu, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function instant(time: number): string {
  return new Date(time).toISOString().replace('Z', '000000Z');
}
