import type { Command } from 'commander';
import { decimalSize } from '../../engine/views/size.js';
import { FosterError } from '../../sys/errors.js';
import { addHelpAfter } from '../command.js';
import { formatList, type ListFormat } from '../format/list.js';
import { print } from '../output.js';

type Field = 'Type' | 'TotalCount' | 'Total' | 'Active' | 'Size' | 'Reclaimable';

const FORMAT: ListFormat<Field> = {
  headings: {
    Type: 'TYPE',
    TotalCount: 'TOTAL',
    Total: 'TOTAL', // Podman's name of it
    Active: 'ACTIVE',
    Size: 'SIZE',
    Reclaimable: 'RECLAIMABLE',
  },
  columns: ['Type', 'TotalCount', 'Active', 'Size', 'Reclaimable'],
};

/** `foster system df`. */
export function configure(command: Command): void {
  command
    .description('Show the disk usage of images, containers, volumes and cached root filesystems.')
    .option('-v, --verbose', 'list each image, container, volume and root filesystem')
    .option('--format <FORMAT>', "table, json, or a template such as '{{.Type}} {{.Size}}'");
  addHelpAfter(command, ['Examples:', '  foster system df', '  foster system df -v']);
  command.action(async (options: { format?: string; verbose?: boolean }) => {
    if (options.verbose) {
      if (options.format !== undefined)
        throw new FosterError('--verbose and --format cannot be used together');
      const { drawDetails } = await import('./df-details.js');
      const { diskUsageDetails } = await import('../../engine/system.js');
      print(drawDetails(await diskUsageDetails()));
      return;
    }
    const { diskUsage } = await import('../../engine/system.js');
    const rows = (await diskUsage()).map(({ type, total, active, size, reclaimable }) => ({
      Type: type,
      TotalCount: String(total),
      Total: String(total),
      Active: String(active),
      Size: decimalSize(size),
      Reclaimable: `${decimalSize(reclaimable)} (${size === 0 ? 0 : Math.round((reclaimable * 100) / size)}%)`,
    }));
    print(formatList(rows, FORMAT, options.format));
  });
}
