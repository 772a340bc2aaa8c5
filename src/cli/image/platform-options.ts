import { type Command, Option } from 'commander';

/** @param whose completes "the platform": `of the image` */
export function addPlatformOptions(command: Command, whose: string): void {
  command
    .option('--platform <PLATFORM>', `OS/ARCHITECTURE[/VARIANT] ${whose} (default: this machine's)`)
    .option('--arch <ARCHITECTURE>', 'only the architecture, such as arm64')
    .addOption(new Option('--os <OS>', 'only the operating system').hideHelp())
    .option('--variant <VARIANT>', 'the variant of --arch, such as v7');
}
