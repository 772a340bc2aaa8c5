import { quoted } from '../spec/parse/flag.js';
import type { ContainerPort } from './model.js';
import type { Place } from './place.js';

/** @throws FosterError for SCTP */
export function protocolOf(protocol: string | undefined, place: Place): 'tcp' | 'udp' {
  if (protocol === 'SCTP')
    throw place
      .below('protocol')
      .refusal('SCTP is not supported: pasta(1) cannot forward it', 'use TCP or UDP');
  return protocol === 'UDP' ? 'udp' : 'tcp';
}

/** The number of a port that may be given by its name. @throws FosterError */
export function portIn(port: number | string, ports: readonly ContainerPort[], place: Place): number {
  if (typeof port === 'number' || /^\d{1,5}$/.test(port)) {
    if (Number(port) >= 1 && Number(port) <= 65_535) return Number(port);
    throw place.error('expected a port from 1 to 65535');
  }
  const found = ports.find(({ name }) => name === port)?.containerPort;
  if (found === undefined) throw place.error(`no container has a port ${quoted(port)}`);
  return found;
}
