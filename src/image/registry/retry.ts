import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connections, connectionFailure, drain, isTransient } from './http.js';

/** How often a request is retried. */
export const MAX_RETRIES = 5;
const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 30_000;

/** Milliseconds to wait before a retry, counted from 0: exponential backoff with jitter. */
export function pauseBefore(retry: number): number {
  return Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** retry) * (0.75 + Math.random() / 2);
}

/** Waits before a retry. @throws the signal's reason */
export async function waitBeforeRetry(
  retry: number,
  signal: AbortSignal | undefined,
  least = 0,
): Promise<void> {
  await sleep(Math.max(least, pauseBefore(retry)), undefined, { signal });
}

/** Milliseconds in a Retry-After header: RFC 9110, 10.2.3. */
export function retryAfter(value: string | undefined, now = Date.now()): number {
  if (value === undefined) return 0;
  const milliseconds = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(milliseconds) ? Math.min(MAX_PAUSE_MS, Math.max(0, milliseconds)) : 0;
}

/**
 * Sends a request, and retries it if the host is overloaded (429), fails (5xx) or cannot be reached for a moment.
 * @param isKnown whether the host has answered before: a name that never has may be a typing error
 * @returns the response, after the last retry also with status 429 or 5xx
 * @throws FosterError if there is no connection
 */
export async function withRetries(
  host: string,
  { options: { signal, retries, retryDelay } }: Connections,
  send: () => Promise<IncomingMessage>,
  isKnown: () => boolean = () => true,
): Promise<IncomingMessage> {
  const most = retries ?? MAX_RETRIES;
  const mayRetry = () => retries !== undefined || isKnown();
  for (let retry = 0; ; retry++) {
    let least = retryDelay ?? 0;
    try {
      const response = await send();
      const { statusCode = 0, headers } = response;
      if ((statusCode !== 429 && statusCode < 500) || statusCode === 501 || retry === most) return response;
      least = Math.max(least, retryAfter(headers['retry-after']));
      await drain(response);
    } catch (error) {
      signal?.throwIfAborted();
      if (!isTransient(error) || !mayRetry() || retry === most) throw connectionFailure(host, error);
    }
    await waitBeforeRetry(retry, signal, least);
  }
}
