import type { CgroupPlace, HostStep, OomCount } from '../step.js';

/** A limit that cannot be enforced here, and what to do about it. */
export interface Unenforced {
  option: string;
  because: string;
  advice: string;
}

export interface CgroupPlan {
  steps: HostStep[];
  places: CgroupPlace[];
  /** The cgroup and the file that count OOM kills. */
  oom?: OomCount;
  unenforced: Unenforced[];
}
