import type { Command } from 'commander';
import { POD_FILTERS, POD_ORDERS, type PodOrder, type PodRow } from '../../engine/views/pod.js';
import { flagError } from '../../spec/parse/flag.js';
import { acceptBooleanValues, addHelpAfter, collect } from '../command.js';
import { formatList, type ListFormat } from '../format/list.js';
import { print } from '../output.js';

interface PsFlags {
  quiet?: boolean;
  latest?: boolean;
  filter?: string[];
  format?: string;
  sort?: PodOrder;
  trunc: boolean;
  noheading?: boolean;
  ctrIds?: boolean;
  ctrNames?: boolean;
  ctrStatus?: boolean;
  ns?: boolean;
}

/** Podman's names. */
type Field =
  | 'ID'
  | 'Name'
  | 'Status'
  | 'Created'
  | 'InfraID'
  | 'NumberOfContainers'
  | 'ContainerIds'
  | 'ContainerNames'
  | 'ContainerStatuses'
  | 'Ready'
  | 'Networks'
  | 'Labels'
  | 'Cgroup'
  | 'Namespace'
  | 'RestartPolicy';

const HEADINGS: Record<Field, string> = {
  ID: 'POD ID',
  Name: 'NAME',
  Status: 'STATUS',
  Created: 'CREATED',
  InfraID: 'INFRA ID',
  NumberOfContainers: '# OF CONTAINERS',
  ContainerIds: 'IDS',
  ContainerNames: 'NAMES',
  ContainerStatuses: 'STATUS',
  Ready: 'READY',
  Networks: 'NETWORKS',
  Labels: 'LABELS',
  Cgroup: 'CGROUP',
  Namespace: 'NAMESPACES',
  RestartPolicy: 'RESTART POLICY',
};

/** `foster pod ps`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('List pods.')
    .option('-q, --quiet', 'print only ids')
    .option('-l, --latest', 'only the pod that was created last')
    .option('--ctr-ids', 'show the ids of their containers')
    .option('--ctr-names', 'show the names of their containers')
    .option('--ctr-status', 'show the states of their containers')
    .option('--ns', 'show the namespaces that they share')
    .option('-f, --filter <KEY=VALUE>', `list only matching pods, by ${POD_FILTERS.join(', ')}`, collect)
    .option('--sort <FIELD>', `sort in ascending order: ${POD_ORDERS.join(', ')}`, parseOrder)
    .option('--format <FORMAT>', "table, json, or a template such as '{{.ID}} {{.Name}}'")
    .option('--no-trunc', 'do not truncate ids')
    .option('--noheading', 'print no headings');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster pod ps --ctr-names',
    '  foster pod ps --filter status=running --filter label=project=shop',
    "  foster pod ps --format '{{.Name}} {{.Status}} {{.NumberOfContainers}}'",
    '',
    'Fields of a template: .ID .Name .Status .Created .InfraID .NumberOfContainers',
    '.ContainerIds .ContainerNames .ContainerStatuses .Ready .Networks .Labels .Cgroup',
    '.Namespace .RestartPolicy, and .Label "KEY"',
  ]);
  command.action(async (flags: PsFlags) => {
    const { rows } = await import('../../engine/pods.js');
    const { filter, latest, sort, quiet, format } = flags;
    const found = await rows({ filters: filter, latest, sort });
    if (quiet)
      print(found.map(({ id }) => `${id}\n`).join('')); // whole ones, as in Podman
    else if (format === 'json') print(`${JSON.stringify(found.map(jsonOf), null, 4)}\n`);
    else
      print(
        formatList(
          found.map((row) => fieldsOf(row, flags)),
          listFormat(flags),
          format,
        ),
      );
  });
}

function parseOrder(value: string): PodOrder {
  const order = POD_ORDERS.find((one) => one === value.toLowerCase());
  if (order !== undefined) return order;
  throw flagError('--sort', value, `expected one of ${POD_ORDERS.join(', ')}`);
}

/** As in Podman, the containers replace their number. */
function listFormat({ ctrIds, ctrNames, ctrStatus, ns, noheading }: PsFlags): ListFormat<Field> {
  const ofContainers: Field[] = [
    ...(ctrIds ? (['ContainerIds'] as const) : []),
    ...(ctrNames ? (['ContainerNames'] as const) : []),
    ...(ctrStatus ? (['ContainerStatuses'] as const) : []),
  ];
  return {
    headings: { ...HEADINGS, Label: String } as Record<Field, string>,
    columns: [
      'ID',
      'Name',
      'Status',
      'Created',
      'InfraID',
      ...(ns ? (['Cgroup', 'Namespace'] as const) : []),
      ...(ofContainers.length > 0 ? ofContainers : (['NumberOfContainers'] as const)),
    ],
    isHeadless: noheading,
  };
}

function idOf(id: string, { trunc }: PsFlags): string {
  return trunc ? id.slice(0, 12) : id;
}

function fieldsOf(row: PodRow, flags: PsFlags): Record<Field, string> {
  const list = (of: (one: PodRow['containers'][number]) => string) => row.containers.map(of).join(',');
  const fields = {
    ID: idOf(row.id, flags),
    Name: row.name,
    Status: row.status,
    Created: row.since,
    InfraID: idOf(row.infraId, flags),
    NumberOfContainers: String(row.containers.length),
    ContainerIds: list(({ id }) => idOf(id, flags)),
    ContainerNames: list(({ name }) => name),
    ContainerStatuses: list(({ status }) => status),
    Ready: row.ready,
    Networks: row.networks.join(','),
    Labels: Object.entries(row.labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    Cgroup: row.cgroup,
    Namespace: row.shares.join(','),
    RestartPolicy: row.restart,
  };
  const label = (key: unknown) => (Object.hasOwn(row.labels, String(key)) ? row.labels[String(key)] : '');
  return { ...fields, ...{ Label: label } };
}

/** As Podman prints it. */
function jsonOf(row: PodRow): Record<string, unknown> {
  const { cgroup, containers, created, id, infraId, name, networks, status, labels } = row;
  return {
    Cgroup: cgroup,
    Containers: containers.map((one) => ({ Id: one.id, Names: one.name, Status: one.status })),
    Created: created,
    Id: id,
    InfraId: infraId,
    Name: name,
    Namespace: '',
    Networks: networks,
    Status: status,
    Labels: labels,
  };
}
