import { spawnSync } from 'node:child_process';
import { FOSTER, type Home, type Result } from './foster.js';

/** Starts a command with a terminal as standard input, types this process's input, then Ctrl-D. */
const TYPIST = `
import os, pty, subprocess, sys, threading, tty
master, slave = pty.openpty()
tty.setraw(slave)
command = subprocess.Popen(sys.argv[1:], stdin=slave)
def type(text):
    while text:
        text = text[os.write(master, text[:4096]):]
threading.Thread(target=type, args=(sys.stdin.buffer.read() + b"\\x04",), daemon=True).start()
status = command.wait()
sys.stdout.flush()
os._exit(status if status >= 0 else 128 - status)
`;

import { DEADLINE } from './wait.js';

/** Runs a foster command with a terminal as its standard input, types `input`, and reads all output. */
export function fosterAtTerminal(
  home: Home,
  args: string[],
  input: string,
  env: Record<string, string> = {},
): Result {
  const { status, signal, stdout, stderr } = spawnSync('/usr/bin/python3', ['-c', TYPIST, FOSTER, ...args], {
    env: { ...home.env, ...env },
    input,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    timeout: DEADLINE,
    killSignal: 'SIGKILL',
  });
  return { status, signal, stdout, stderr };
}
