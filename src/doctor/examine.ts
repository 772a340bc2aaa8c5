import { chmodSync } from 'node:fs';
import { quoted } from '../spec/parse/flag.js';
import { FosterError } from '../sys/errors.js';
import { makeFolder } from '../sys/paths.js';
import type { AnyCheck, Finding, Fix } from './check.js';
import { CHECKS } from './checks.js';
import { probe } from './probe.js';
import type { ProbeAnswer } from './protocol.js';

/** What a check has found. */
export interface Report extends Finding {
  /** Its name on the command line. */
  name: string;
  /** What was done about it: sentences; undefined unless it was asked for and there was something to do. */
  fixed?: string[];
}

/** Milliseconds that all checks together have, by default. They usually need 300. */
const PATIENCE = 10_000;

/**
 * Looks for what keeps foster from running containers here, or from running them well. Nothing on the machine is changed.
 * @param options.names the checks; all by default
 * @param options.fix make the changes that need no root, and look again
 * @param options.timeout milliseconds; a check that takes longer has failed
 * @returns in the order of the checks; without those that do not apply here
 * @throws FosterError for a check that does not exist
 */
export async function examine({
  names = [],
  fix = false,
  timeout = PATIENCE,
}: {
  names?: readonly string[];
  fix?: boolean;
  timeout?: number;
}): Promise<Report[]> {
  const unknown = names.find((name) => !CHECKS.some((check) => check.name === name));
  if (unknown !== undefined) {
    throw new FosterError(`there is no check ${quoted(unknown)}`, {
      kind: 'not-found',
      advice: `there are ${CHECKS.map(({ name }) => name).join(', ')}`,
    });
  }
  const checks = CHECKS.filter(({ name }) => names.length === 0 || names.includes(name));
  const reports = await reportsOf(checks, timeout);
  return fix ? await fixAll(reports, checks, timeout) : reports;
}

async function reportsOf(checks: readonly AnyCheck[], timeout: number): Promise<Report[]> {
  const answers = await probe(checks, timeout);
  return checks.flatMap((check) => {
    const finding = findingOf(check, answers.get(check.name), timeout);
    return finding === undefined ? [] : [{ name: check.name, ...finding }];
  });
}

function findingOf(check: AnyCheck, answer: ProbeAnswer | undefined, timeout: number): Finding | undefined {
  if (answer === undefined) {
    return {
      level: 'fail',
      found: `no answer within ${timeout / 1000} s`,
      means: 'It waits for a file system that does not answer, such as one of a server that is gone.',
      mend: [{ who: 'root', advice: "find it with 'findmnt', and unmount it with 'umount -l'" }],
    };
  }
  if ('facts' in answer) return check.judge(answer.facts);
  const { message, advice } = answer.failure;
  return {
    level: 'fail',
    found: message,
    means: 'foster could not find out more.',
    ...(advice !== undefined && { mend: [{ who: 'you', advice }] }),
  };
}

/** Makes the changes that reports propose, and reports again on those checks. */
async function fixAll(reports: Report[], checks: readonly AnyCheck[], timeout: number): Promise<Report[]> {
  const fixed = new Map<string, string[]>();
  for (const { name, fixes = [] } of reports) if (fixes.length > 0) fixed.set(name, fixes.map(apply));
  if (fixed.size === 0) return reports;
  const again = await reportsOf(
    checks.filter(({ name }) => fixed.has(name)),
    timeout,
  );
  return reports.map((report) => {
    const done = fixed.get(report.name);
    if (done === undefined) return report;
    return { ...(again.find(({ name }) => name === report.name) ?? report), fixed: done };
  });
}

/** @returns what was done, or why it was not */
function apply({ kind, path, mode }: Fix): string {
  const octal = (mode & 0o777).toString(8).padStart(3, '0');
  const done =
    kind === 'make folder' ? `made ${path} with the mode ${octal}` : `set the mode of ${path} to ${octal}`;
  try {
    if (kind === 'make folder') makeFolder(path, mode);
    else chmodSync(path, mode);
    return done;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return `could not do this: ${done} (${why})`;
  }
}
