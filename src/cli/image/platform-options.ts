import { type Command, Option } from 'commander';
import { FosterError } from '../../sys/errors.js';

/** Docker's --platform, and Podman's parts of it. */
export interface PlatformFlags {
  platform?: string;
  os?: string;
  arch?: string;
  variant?: string;
}

/** @param whose completes "the platform": `of the image` */
export function addPlatformOptions(command: Command, whose: string): void {
  command
    .option('--platform <PLATFORM>', `OS/ARCHITECTURE[/VARIANT] ${whose} (default: this machine's)`)
    .option('--arch <ARCHITECTURE>', 'only the architecture, such as arm64')
    .addOption(new Option('--os <OS>', 'only the operating system').hideHelp())
    .option('--variant <VARIANT>', 'the variant of --arch, such as v7');
}

/** The value of --platform, or what the others say. @throws FosterError for both */
export function platformOf({ platform, os, arch, variant }: PlatformFlags): string | undefined {
  if (os === undefined && arch === undefined && variant === undefined) return platform;
  if (platform !== undefined)
    throw new FosterError('--platform cannot be used together with --os, --arch and --variant');
  const own = process.arch === 'x64' ? 'amd64' : process.arch;
  return [os ?? 'linux', arch ?? own, ...(variant === undefined ? [] : [variant])].join('/');
}
