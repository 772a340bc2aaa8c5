import type { DiskUsageDetails } from '../../engine/system.js';
import { drawTable, ellipsis } from '../format/table.js';

/** The output of `system df -v`: each image, container, volume and root filesystem. */
export function drawDetails({ images, containers, volumes, roots }: DiskUsageDetails): string {
  return [
    section(
      'Images',
      'REPOSITORY,TAG,IMAGE ID,CREATED,SIZE,SHARED SIZE,UNIQUE SIZE,CONTAINERS',
      images.map((row) => [
        row.Repository,
        row.Tag,
        row.ID.replace('sha256:', '').slice(0, 12),
        row.CreatedSince,
        row.Size,
        row.SharedSize,
        row.UniqueSize,
        row.Containers,
      ]),
    ),
    section(
      'Containers',
      'CONTAINER ID,IMAGE,COMMAND,LOCAL VOLUMES,SIZE,CREATED,STATUS,NAMES',
      containers.map((row) => [
        row.ID.slice(0, 12),
        row.Image,
        JSON.stringify(ellipsis(row.command.join(' '), 20)),
        row.LocalVolumes,
        row.Size,
        row.RunningFor,
        row.Status,
        row.Names,
      ]),
    ),
    section(
      'Local Volumes',
      'VOLUME NAME,LINKS,SIZE',
      volumes.map(({ name, links, size }) => [name, links, size]),
    ),
    section(
      'Root filesystems',
      'NAME,SIZE,IN USE',
      roots.map(({ name, size, isInUse }) => [name, size, isInUse ? 'yes' : 'no']),
    ),
  ].join('\n');
}

function section(title: string, headings: string, rows: string[][]): string {
  return `${title} space usage:\n\n${drawTable([headings.split(','), ...rows])}`;
}
