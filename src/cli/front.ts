import type { RunWish } from '../engine/foreground.js';
import { beginSightings, refuseTemplate, seeDirectory, seeVariable } from '../sys/sightings.js';
import { settings } from './output.js';

/**
 * What the front (src/init/front) has asked of this process when it left the command to it: a variable of the environment,
 * which nobody else is to see.
 */
export const front: { wantsTemplate: boolean; run: RunWish | undefined } = {
  wantsTemplate: false,
  run: undefined,
};

/** Takes it out of the environment. */
export function takeWish(): void {
  const order = process.env.FOSTER_FRONT;
  if (order === undefined) return;
  delete process.env.FOSTER_FRONT;
  if (order.startsWith('debug ')) settings.debug = true;
  const wish = order.replace('debug ', '');
  front.wantsTemplate = wish === 'template';
  if (front.wantsTemplate) watchCaller(); // what a start looks at is recorded from its plan on
  const [, count, key, index, nameless] =
    /^run (\d{1,6}) ([0-9a-f]{16})(?: (\d{1,6}) ([0-9a-f]{16}))?$/.exec(wish) ?? [];
  if (key === undefined) return;
  const anyName = nameless === undefined ? undefined : { index: Number(index), key: nameless };
  front.run = { words: process.argv.slice(3, 3 + Number(count)), key, anyName };
  beginSightings();
  watchCaller();
}

/** Their values say what is to be done about templates and faults, and not how a container is to be. */
const OF_THE_FRONT = /^FOSTER_(FRONT|FAULT|NODE_EXTRA_CA_CERTS)$/;

/** Records which variables are read, and whether the working directory is. */
function watchCaller(): void {
  const { cwd, env } = process;
  process.cwd = () => {
    seeDirectory();
    return cwd();
  };
  const see = (name: string | symbol) => {
    if (typeof name !== 'string' || OF_THE_FRONT.test(name)) return;
    seeVariable(name, Object.hasOwn(env, name) ? env[name] : undefined);
  };
  process.env = new Proxy(env, {
    get(_, name) {
      see(name);
      return Reflect.get(env, name);
    },
    has(_, name) {
      see(name);
      return Reflect.has(env, name);
    },
    getOwnPropertyDescriptor(_, name) {
      see(name);
      return Reflect.getOwnPropertyDescriptor(env, name);
    },
    ownKeys() {
      refuseTemplate();
      return Reflect.ownKeys(env);
    },
  });
}
