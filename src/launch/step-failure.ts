import { adviceOnNamespaces } from '../init/namespace-failure.js';
import { renderStep } from '../plan/render.js';
import type { Step } from '../plan/step.js';
import { errnoName, errnoWords } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';

/** The sentence of a step that failed. */
export function stepFailure(step: Step, errno: number): FosterError {
  const name = errnoName(errno);
  const advice = step.advice?.[name] ?? step.advice?.['*'] ?? adviceOnNamespaces(name);
  return new FosterError(
    `cannot ${step.why}: ${errnoWords(errno)} from ${renderStep(step)}`,
    advice === undefined ? {} : { advice },
  );
}
