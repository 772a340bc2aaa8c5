import { defineCheck, type Finding } from '../check.js';
import { errnoOfOpening } from '../read.js';
import { mendDevice } from './fuse.js';

interface TunFacts {
  /** The name of the errno with which it cannot be opened; undefined if it can. */
  error?: string;
}

/** The device by which pasta(1) makes an interface. */
export const TUN = defineCheck<TunFacts>({
  name: 'tun',
  group: 'reads',
  async probe() {
    const error = await errnoOfOpening('/dev/net/tun');
    return error === undefined ? {} : { error };
  },
  judge: judgeTun,
});

function judgeTun({ error }: TunFacts): Finding {
  if (error === undefined) return { level: 'ok', found: '/dev/net/tun can be opened' };
  return {
    level: 'warn',
    found: `/dev/net/tun cannot be opened (${error})`,
    means: 'Containers reach each other, but not the outside.',
    mend: [mendDevice('net/tun', error)],
  };
}
