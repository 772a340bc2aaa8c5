import { readFileSync, writeFileSync } from 'node:fs';

/** For tests of what foster does without Node: src/init/front. */

/** What foster says if it is left to Node and there is none. */
export const NO_NODE = /^foster: cannot find node in PATH/;

/** What a process sees of itself, without what differs from process to process. */
export function withoutNumbers(text: string): string {
  return text
    .replace(
      /^(State|Pid|Tgid|Ngid|PPid|NSpid|NStgid|NSpgid|NSsid|Vm\w+|Rss\w+|Hugetlb\w+|Threads|SigQ|\w*ctxt_switches|StaBrk|Brk|StaStk):.*$/gm,
      '$1',
    )
    .replace(/pipe:\[\d+\]/g, 'pipe')
    .replace(/\/proc\/\d+\/fd/g, '/proc/PID/fd')
    .replace(/^.* -> (?=\S+$)/gm, '-> ');
}

/** Changes some bytes of a file. */
export function change(path: string, edit: (bytes: Buffer) => void): void {
  const bytes = readFileSync(path);
  edit(bytes);
  writeFileSync(path, bytes);
}
