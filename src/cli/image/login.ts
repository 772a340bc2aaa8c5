import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Credentials } from '../../engine/registry.js';
import { FosterError } from '../../sys/errors.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { print, warn } from '../output.js';
import { CALLER } from '../surroundings.js';

interface LoginFlags {
  username?: string;
  password?: string;
  passwordStdin: boolean;
  getLogin: boolean;
  verbose: boolean;
  tlsVerify: boolean;
  authfile?: string;
  certDir?: string;
}

/** Longer than any password or token. */
const MAX_PASSWORD = 64 * 1024;

/** `foster login`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Log in to a registry, for pull and push.')
    .argument('[REGISTRY]', 'host name and port of the registry', 'docker.io')
    .option('-u, --username <NAME>', 'user name (default: ask for it)')
    .option('-p, --password <PASSWORD>', 'password; other users can see it in the process list')
    .option('--password-stdin', 'read the password from standard input', false)
    .option('--get-login', 'print the user name of the stored credentials, and do nothing else', false)
    .option('-v, --verbose', 'print where the credentials are stored', false)
    .option('--tls-verify', 'false allows plain HTTP and unverified certificates', true)
    .option('--authfile <FILE>', 'file to store the credentials in')
    .option(
      '--cert-dir <FOLDER>',
      'directory with *.crt of certificate authorities, and *.cert and *.key of the client',
    );
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster login',
    '  foster login -u me --password-stdin registry.example.com < token',
    '',
    'Credentials are stored where Podman stores them: in $REGISTRY_AUTH_FILE or',
    '$XDG_RUNTIME_DIR/containers/auth.json, or in the credential helper named there.',
  ]);
  command.action(async (text: string, flags: LoginFlags) => {
    const { check, registryName, store } = await import('../../engine/registry.js');
    if (flags.authfile !== undefined) CALLER.authFile = resolve(flags.authfile);
    const registry = await registryName(text);
    if (flags.getLogin) {
      print(`${await userNameFor(registry)}\n`);
      return;
    }
    const { credentials, isStored } = await credentialsFrom(flags, registry);
    await check(registry, credentials, flags);
    const place = isStored ? credentials.source : await store(registry, credentials);
    if (flags.verbose) print(`Used: ${place}\n`);
    print('Login Succeeded\n');
  });
}

async function credentialsFrom(
  { username, password, passwordStdin }: LoginFlags,
  registry: string,
): Promise<{ credentials: Credentials; isStored: boolean }> {
  if (passwordStdin && (password !== undefined || username === undefined)) {
    throw new FosterError(
      password === undefined
        ? '--password-stdin needs a name'
        : '--password and --password-stdin cannot be used together',
      { advice: 'give -u USER and --password-stdin' },
    );
  }
  if (username === undefined && password === undefined) {
    const { storedCredentials } = await import('../../engine/registry.js');
    const stored = await storedCredentials(registry);
    if (stored !== undefined) {
      print(`Authenticating with existing credentials for ${registry}\n`);
      return { credentials: stored, isStored: true };
    }
  }
  if (password !== undefined)
    warn('a password on the command line can be seen by others; use --password-stdin');
  const { ask, askSecret } = await import('../ask.js');
  const credentials = {
    username: username ?? (await ask('Username: ')),
    password: password ?? (passwordStdin ? await readPassword() : await askSecret('Password: ')),
    source: 'this log-in',
  };
  if (credentials.username === '' || credentials.username.includes(':')) {
    throw new FosterError('the user name must not be empty or contain a colon');
  }
  if (credentials.password === '') throw new FosterError('the password must not be empty');
  return { credentials, isStored: false };
}

async function userNameFor(registry: string): Promise<string> {
  const { storedCredentials } = await import('../../engine/registry.js');
  const stored = await storedCredentials(registry);
  if (stored?.username) return stored.username;
  throw new FosterError(`not logged in to ${registry}`, {
    kind: 'not-found',
    advice: `log in with 'foster login ${registry}'`,
    exitCode: 1,
  });
}

/** The text without its line end. */
async function readPassword(): Promise<string> {
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const piece of process.stdin as AsyncIterable<string>) {
    text += piece;
    if (text.length > MAX_PASSWORD) throw new FosterError('the password on standard input is too long');
  }
  return text.replace(/\r?\n$/, '');
}
