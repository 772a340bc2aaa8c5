import { after } from 'node:test';
import { BuildHome } from '../support/build.js';
import { Containers } from '../support/containers.js';
import { buildDebianImage } from '../support/debian-image.js';
import { DebianMirror } from '../support/debian-mirror.js';

after(() => {
  containers.removeAll(); // before the home itself is removed
  mirror.close();
});

export const home = new BuildHome();
delete home.env.FOSTER_NETWORK;
export const containers = new Containers(home);
export const mirror = await DebianMirror.open();

/** Built at the first call; hooks of a file begin at the same time. */
export function imageBuilt(): Promise<void> {
  building ??= buildDebianImage(home, mirror, ['postgresql-15', 'redis-server', 'nginx-light']);
  return building;
}
let building: Promise<void> | undefined;
