import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { compileTemplate } from '../format/template/template.js';
import { print } from '../output.js';
import { VERSION } from '../version.js';

/** `foster version`, for bug reports and for scripts that ask for the version of Docker or Podman. */
export function configure(command: Command): void {
  command
    .description('Show the versions of foster and Node.')
    .option('-f, --format <FORMAT>', "json, or a template such as '{{.Client.Version}}'");
  addHelpAfter(command, [
    'Examples:',
    '  foster version',
    "  foster version --format '{{.Server.Version}}'",
    '',
    'Fields of a template: .Version, and of .Client and .Server, which are the same program: .Version .APIVersion .Os .Arch .OsArch .NodeVersion',
  ]);
  command.action(async ({ format }: { format?: string }) => {
    if (format === undefined) {
      return print(`foster ${VERSION}, Node ${process.version}, ${process.platform}/${process.arch}\n`);
    }
    const render = format === 'json' ? JSON.stringify : compileTemplate(format);
    const { platformNames } = await import('../../engine/views/host-info.js');
    const { os, arch } = platformNames();
    const own = {
      Version: VERSION,
      APIVersion: VERSION,
      Os: os,
      Arch: arch,
      OsArch: `${os}/${arch}`,
      NodeVersion: process.version,
    };
    print(`${render({ Version: VERSION, Client: own, Server: own })}\n`);
  });
}
