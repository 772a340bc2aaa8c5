import { getExtendedAttribute, listExtendedAttributes } from '../sys/libc.js';

/**
 * Whether an extended attribute is copied with a file: those of overlayfs would change the meaning of a tree, and most
 * others cannot be set by users.
 */
export function isKeptAttribute(name: string): boolean {
  const isNote = name.startsWith('user.overlay.') || name.startsWith('user.fuseoverlayfs.');
  return name === 'security.capability' || (name.startsWith('user.') && !isNote);
}

/** The attributes of a file that are copied, by name; values as latin1. @param file a path or a descriptor */
export function keptAttributes(file: string | Buffer | number): Map<string, string> {
  const found = new Map<string, string>();
  for (const name of listExtendedAttributes(file).sort()) {
    const value = isKeptAttribute(name) ? getExtendedAttribute(file, name) : undefined;
    if (value !== undefined) found.set(name, value.toString('latin1'));
  }
  return found;
}
