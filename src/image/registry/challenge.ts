/** What a WWW-Authenticate header asks for: RFC 9110, 11.6.1. */
export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  scheme: string;
  /** Names in lower case. */
  parameters: Map<string, string>;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
/** `name=value`, `name="value"`, or a word that starts a challenge. */
const PART = new RegExp(
  `[\\s,]*(${TOKEN})(?:[ \\t]*=[ \\t]*(?:"((?:[^"\\\\]|\\\\.)*)"|(${TOKEN})))?(?=[\\s,]|$)`,
  'y',
);

/** Reads a WWW-Authenticate header, up to the first part that cannot be parsed. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: Challenge[] = [];
  PART.lastIndex = 0;
  for (let match = PART.exec(header); match !== null; match = PART.exec(header)) {
    const [, word = '', quoted, plain] = match;
    const value = quoted?.replace(/\\(.)/g, '$1') ?? plain;
    if (value === undefined) challenges.push({ scheme: word.toLowerCase(), parameters: new Map() });
    else challenges.at(-1)?.parameters.set(word.toLowerCase(), value);
  }
  return challenges;
}
