/** Keys by name, as terminals send them in raw mode: ECMA-48, and xterm's control sequences. */
const SEQUENCES: Readonly<Record<string, string>> = {
  '\x1b[A': 'up',
  '\x1bOA': 'up',
  '\x1b[B': 'down',
  '\x1bOB': 'down',
  '\x1b[5~': 'pageup',
  '\x1b[6~': 'pagedown',
  '\x1b[H': 'home',
  '\x1bOH': 'home',
  '\x1b[1~': 'home',
  '\x1b[F': 'end',
  '\x1bOF': 'end',
  '\x1b[4~': 'end',
  '\x1b': 'escape',
  '\r': 'enter',
  '\n': 'enter',
  '\x7f': 'backspace',
  '\b': 'backspace',
  '\x03': 'interrupt',
  '\x04': 'interrupt',
  '\x1a': 'suspend',
  '\x0c': 'redraw',
};

// a control sequence, a two-character escape sequence, or a character
const KEY = /\x1b\[[0-?]*[ -/]*[@-~]|\x1bO.|./gsu;

/** The keys in what a terminal has sent: names of those above, else the characters. Unknown sequences are left out. */
export function keysIn(text: string): string[] {
  return [...text.matchAll(KEY)].flatMap(([key]) => {
    const name = SEQUENCES[key];
    if (name !== undefined) return [name];
    return key.length > 2 || /^[\x00-\x1f]$/.test(key) ? [] : [key];
  });
}
