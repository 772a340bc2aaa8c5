import { type ChosenMaps, chooseIdMaps } from '../spec/choose-id-maps.js';
import { MACHINE } from '../spec/id-ranges.js';

/** The ids that containers have without flags. A range that is chosen for root is not noted: it is chosen again when it is needed. */
export function mapsOfContainers(): ChosenMaps {
  const files = { read: MACHINE.read, keep() {} };
  return chooseIdMaps('default', process.getuid?.() ?? 0, process.getgid?.() ?? 0, files);
}
