import type { Report } from '../doctor/examine.js';

export type { Report as DoctorReport };

/**
 * Looks for what keeps foster from running containers on this machine, or from running them well.
 * @param options.names names of checks; all by default
 * @param options.fix also make the changes that need no root
 * @param options.timeout milliseconds for all checks together, 10,000 by default; one that takes longer has failed
 * @throws FosterError for a check that does not exist
 */
export async function doctor(options: {
  names?: readonly string[];
  fix?: boolean;
  timeout?: number;
}): Promise<Report[]> {
  const { examine } = await import('../doctor/examine.js');
  return await examine(options);
}

/** The names of all checks. */
export async function checkNames(): Promise<string[]> {
  const { CHECKS } = await import('../doctor/checks.js');
  return CHECKS.map(({ name }) => name);
}
