import type { HostStep } from '../plan/step.js';
import { FosterError } from '../sys/errors.js';
import { findProgram } from '../sys/programs.js';
import { gatewayStep } from './connect.js';
import type { NetworkDefinition } from './definition.js';
import { nameServerSteps } from './dns.js';
import { beginHolder, type HolderState, LAYOUT } from './holder.js';
import { familiesOutside, outsideSteps } from './outside.js';
import { ingredients, routerSteps } from './router.js';

/** How a network holder is made for the first container: what `networkHolder` and `connectNetwork` do, as data. */
export interface HolderRecipe {
  steps: HostStep[];
  /** What its lock file says then, without its process. */
  state: Omit<HolderState, 'pid' | 'start'>;
  /** Whether it is for a machine that reaches others by IPv6. */
  hasIPv6: boolean;
}

/** @returns undefined where that is not possible, or containers of that network would lack something, of which foster warns */
export function recipeFor(network: NetworkDefinition): HolderRecipe | undefined {
  try {
    return wholeRecipe(network);
  } catch (error) {
    if (error instanceof FosterError) return undefined; // the next one that has to make a holder says why
    throw error;
  }
}

function wholeRecipe(network: NetworkDefinition): HolderRecipe | undefined {
  const nft = findProgram('nft');
  const pasta = findProgram('pasta');
  const families = familiesOutside();
  const names = nameServerSteps(network);
  if (nft === undefined || pasta === undefined || names === undefined || !families[4]) return undefined;
  return {
    steps: [
      ...beginHolder(),
      ...routerSteps(nft, [network]),
      ...outsideSteps(families, pasta),
      gatewayStep(network),
      ...names,
    ],
    state: {
      layout: LAYOUT,
      outside: true,
      networks: { [network.name]: network.id },
      prepared: ingredients(),
    },
    hasIPv6: families[6],
  };
}
