import type { Command } from 'commander';
import type { EntryChanges } from '../../engine/manifest-lists.js';
import { flagError } from '../../spec/parse/flag.js';
import { collect } from '../command.js';

/** What a list is to say of an image. */
export interface EntryFlags {
  annotation?: string[];
  arch?: string;
  os?: string;
  variant?: string;
  osVersion?: string;
  osFeatures?: string[];
  features?: string[];
}

export function addEntryOptions(command: Command): void {
  command
    .option('--arch <ARCH>', 'architecture of the image (default: that in its config)')
    .option('--os <OS>', 'its operating system')
    .option('--variant <VARIANT>', 'its variant of the architecture')
    .option('--os-version <VERSION>', 'version of the operating system that it needs')
    .option('--features <FEATURE>', 'feature of the processor that it needs', collect)
    .option('--annotation <KEY=VALUE>', 'set an annotation of the image in the list', collect);
}

/** @throws FosterError */
export function entryChanges(flags: EntryFlags): EntryChanges {
  return {
    os: flags.os,
    architecture: flags.arch,
    variant: flags.variant,
    osVersion: flags.osVersion,
    osFeatures: flags.osFeatures?.flatMap((text) => text.split(',')),
    features: flags.features?.flatMap((text) => text.split(',')),
    annotations: flags.annotation && Object.fromEntries(flags.annotation.map(annotation)),
  };
}

function annotation(text: string): [string, string] {
  const [, key = '', value = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (key === '') throw flagError('--annotation', text, 'expected KEY=VALUE');
  return [key, value];
}
