import type { ImageDefaults } from '../../spec/image-defaults.js';
import { quoted } from '../../spec/parse/flag.js';
import { FosterError } from '../../sys/errors.js';

/** The instructions of a Dockerfile that `import -c` and `commit -c` take. */
const INSTRUCTIONS = 'CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR';

/**
 * An image's defaults, changed by one instruction of a Dockerfile: `CMD ["sh"]`, `ENV NAME=value`.
 * @throws FosterError
 */
export function changeDefaults(defaults: ImageDefaults, instruction: string): ImageDefaults {
  const [, name = '', rest = ''] = /^\s*(\w+)[\s=]+(.*?)\s*$/s.exec(instruction) ?? [];
  const wrong = (problem: string) =>
    new FosterError(`cannot apply the change ${quoted(instruction)}: ${problem}`, {
      advice: `use one of ${INSTRUCTIONS} with a value, as in a Dockerfile`,
    });
  if (rest === '') throw wrong('it has no value');
  switch (name.toUpperCase()) {
    case 'CMD':
      return { ...defaults, Cmd: command(rest) };
    case 'ENTRYPOINT':
      return { ...defaults, Entrypoint: command(rest) };
    case 'ENV': {
      const pairs = pairsOf(rest);
      if (pairs === undefined) throw wrong('expected NAME=VALUE');
      const kept = (defaults.Env ?? []).filter((entry) => !pairs.has(entry.slice(0, entry.indexOf('='))));
      return { ...defaults, Env: [...kept, ...[...pairs].map(([key, value]) => `${key}=${value}`)] };
    }
    case 'LABEL': {
      const pairs = pairsOf(rest);
      if (pairs === undefined) throw wrong('expected NAME=VALUE');
      return { ...defaults, Labels: { ...defaults.Labels, ...Object.fromEntries(pairs) } };
    }
    case 'EXPOSE': {
      const ports = wordsOf(rest).map((port) => (port.includes('/') ? port : `${port}/tcp`));
      if (!ports.every((port) => /^\d+(-\d+)?\/(tcp|udp|sctp)$/.test(port))) throw wrong('expected a port');
      return { ...defaults, ExposedPorts: { ...defaults.ExposedPorts, ...setOf(ports) } };
    }
    case 'VOLUME':
      return { ...defaults, Volumes: { ...defaults.Volumes, ...setOf(jsonWords(rest) ?? wordsOf(rest)) } };
    case 'USER':
      return { ...defaults, User: rest };
    case 'WORKDIR':
      if (!rest.startsWith('/')) throw wrong('expected an absolute path');
      return { ...defaults, WorkingDir: rest };
    case 'STOPSIGNAL':
      return { ...defaults, StopSignal: rest };
    default:
      throw wrong('unknown instruction');
  }
}

function setOf(names: string[]): Record<string, object> {
  return Object.fromEntries(names.map((name) => [name, {}]));
}

/** Exec form or shell form. */
function command(text: string): string[] {
  return jsonWords(text) ?? ['/bin/sh', '-c', text];
}

function jsonWords(text: string): string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((one) => typeof one === 'string') ? value : undefined;
  } catch {
    return undefined;
  }
}

/** `A=1 B="two words"`, or the old form `A the rest of the line`. */
function pairsOf(text: string): Map<string, string> | undefined {
  const old = /^([\w.-]+)\s+(.+)$/s.exec(text);
  if (old !== null && !/^[^\s"']+=/.test(text)) return new Map([[old[1] ?? '', old[2] ?? '']]);
  const pairs = wordsOf(text).map((word) => {
    const equals = word.indexOf('=');
    return [word.slice(0, Math.max(equals, 0)), word.slice(equals + 1)] as const;
  });
  return pairs.length > 0 && pairs.every(([key]) => key !== '') ? new Map(pairs) : undefined;
}

/** Splits at white space outside quotes, and removes the quotes. */
function wordsOf(text: string): string[] {
  return (text.match(/(?:[^\s"']|"(?:\\.|[^"\\])*"|'[^']*')+/g) ?? []).map((word) =>
    word.replace(/"((?:\\.|[^"\\])*)"|'([^']*)'/g, (_whole, double?: string, single?: string) => {
      return single ?? (double ?? '').replace(/\\(.)/g, '$1');
    }),
  );
}
