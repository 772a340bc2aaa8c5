import { containerSizes, rootSizes } from '../../container/disk-usage.js';
import { containersOf } from '../../container/image-use.js';
import { statusOf } from '../../engine/views/container-row.js';
import { humanSince } from '../../engine/views/duration.js';
import { listImages } from '../../image/store/images.js';
import { familiarName, parseReference } from '../../image/store/reference.js';
import { layerSizes } from '../../image/store/size.js';
import { decimalSize } from '../format/size.js';
import { drawTable, ellipsis } from '../format/table.js';

/** What `system df -v` shows: each image, container and root filesystem. */
export function drawDetails(now: number): string {
  return [
    section('Images', imageRows(now)),
    section('Containers', containerRows(now)),
    section('Root filesystems', [
      ['NAME', 'SIZE', 'IN USE'],
      ...rootSizes().map(({ name, size, isActive }) => [name, decimalSize(size), isActive ? 'yes' : 'no']),
    ]),
  ].join('\n');
}

function section(title: string, rows: string[][]): string {
  return `${title} space usage:\n\n${drawTable(rows)}`;
}

/** A layer that several images have is shared. */
function imageRows(now: number): string[][] {
  const images = listImages();
  const users = new Map<string, number>();
  for (const { config } of images) {
    for (const id of new Set(config.rootfs.diff_ids)) users.set(id, (users.get(id) ?? 0) + 1);
  }
  const rows = images.flatMap((image) => {
    const { config, id, names, descriptor } = image;
    const sizes = layerSizes(image);
    const sum = (isWanted: (users: number) => boolean) =>
      config.rootfs.diff_ids.reduce(
        (total, diffID, index) => total + (isWanted(users.get(diffID) ?? 1) ? (sizes[index] ?? 0) : 0),
        0,
      );
    const rest = [
      id.replace('sha256:', '').slice(0, 12),
      config.created === undefined ? 'N/A' : `${humanSince(config.created, now)} ago`,
      decimalSize(sum(() => true)),
      decimalSize(sum((count) => count > 1)),
      decimalSize(sum((count) => count === 1)),
      String(containersOf(descriptor.digest).length),
    ];
    const references = names.map(parseReference);
    if (references.length === 0) return [['<none>', '<none>', ...rest]];
    return references.map((reference) => [familiarName(reference), reference.tag ?? '<none>', ...rest]);
  });
  const headings = 'REPOSITORY,TAG,IMAGE ID,CREATED,SIZE,SHARED SIZE,UNIQUE SIZE,CONTAINERS';
  return [headings.split(','), ...rows];
}

function containerRows(now: number): string[][] {
  const rows = containerSizes().map(({ container: { record, state }, size }) => [
    record.id.slice(0, 12),
    record.root,
    JSON.stringify(ellipsis(record.command.join(' '), 20)),
    decimalSize(size),
    `${humanSince(record.created, now)} ago`,
    statusOf(state, now),
    record.name,
  ]);
  return ['CONTAINER ID,IMAGE,COMMAND,SIZE,CREATED,STATUS,NAMES'.split(','), ...rows];
}
