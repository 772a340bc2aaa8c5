import type { Command } from 'commander';
import { FosterError } from '../../sys/errors.js';
import { addHelpAfter } from '../command.js';
import { print, warn } from '../output.js';
import { useAuthFile } from './registry-options.js';

/** `foster logout`. */
export function configure(command: Command): void {
  command
    .description('Log out of a registry: remove the stored credentials.')
    .argument('[REGISTRY]', 'host name and port of the registry (default: docker.io)')
    .option('-a, --all', 'log out of all registries', false)
    .option('--authfile <FILE>', 'file that the credentials are in');
  addHelpAfter(command, ['Examples:', '  foster logout registry.example.com', '  foster logout --all']);
  command.action(async (text: string | undefined, { all, authfile }: { all: boolean; authfile?: string }) => {
    if (authfile !== undefined) useAuthFile(authfile);
    const { logout, logoutAll, registryName } = await import('../../engine/registry.js');
    if (all) {
      if (text !== undefined) throw new FosterError('--all and a registry cannot be used together');
      await logoutAll();
      print('Removed login credentials for all registries\n');
      return;
    }
    const registry = await registryName(text ?? '');
    const { wasThere, left } = await logout(registry);
    if (left !== undefined) warn(`${left} still has credentials for ${registry}`);
    if (!wasThere && left === undefined) throw new FosterError(`not logged in to ${registry}`);
    if (wasThere) print(`Removed login credentials for ${registry}\n`);
  });
}
