/** Completion: what fits at each place of a command line, and that bash, zsh and fish offer it. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Containers } from './support/containers.js';
import { Home } from './support/foster.js';
import { Tmux } from './support/tmux.js';

const home = new Home();
const containers = new Containers(home);

before(() => {
  containers.ok('run', '-d', '--name', 'running', 'busybox', 'sleep', '1000');
  containers.ok('create', '--name', 'waiting', 'busybox');
  containers.ok('commit', 'waiting', 'localhost/picture:1');
  containers.ok('volume', 'create', 'data');
  containers.ok('network', 'create', 'shop');
  containers.ok('pod', 'create', '--infra=false', 'shop-pod');
});

after(() => containers.removeAll());

/** What fits at the end of a command line, and what the shell is told besides. */
function completions(...line: string[]): { words: string[]; directive: string } {
  const lines = containers
    .ok('__complete', ...line)
    .trimEnd()
    .split('\n');
  return { words: lines.slice(0, -1).map((one) => one.split('\t')[0] ?? ''), directive: lines.at(-1) ?? '' };
}

const PLACES: [line: string[], words: string[], directive?: string][] = [
  [['exe'], ['exec']],
  [['help', 'versi'], ['version']],
  [['nosuchcommand', ''], []],
  // names of containers, of those for which it makes sense
  [['exec', ''], ['running']],
  [['attach', ''], ['running']],
  [['explain', 'runn'], ['running']],
  [['explain', 'zom'], ['zombie']],
  [['explain', 'exec', ''], ['running']],
  [
    ['explain', '--format', ''],
    ['text', 'json', 'md'],
  ],
  [
    ['explain', '--lang', ''],
    ['en', 'zh'],
  ],
  [['stop', ''], ['running']],
  [['kill', '-s', 'TERM', ''], ['running']],
  [['start', ''], ['waiting']],
  [
    ['restart', ''],
    ['waiting', 'running'],
  ],
  [['rm', '-f', 'waiting', ''], ['running']],
  [['logs', 'w'], ['waiting']],
  [['cp', 'wait'], ['waiting:'], ':files'],
  [['cp', 'file', 'run'], ['running:'], ':files'],
  [['exec', '-it', '-e', 'A=b', 'running', ''], [], ':files'],
  [['commit', 'waiting', ''], ['localhost/picture:1']],
  // names of images
  [['rmi', ''], ['localhost/picture:1']],
  [['push', 'local'], ['localhost/picture:1']],
  [['history', ''], ['localhost/picture:1']],
  [['image', 'rm', ''], ['localhost/picture:1']],
  [['run', '--rm', '-it', 'local'], ['localhost/picture:1'], ':files'],
  [['run', '--name', 'new', 'bus'], ['busybox'], ':files'],
  [['run', 'busybox', '--na'], [], ':files'],
  // names of volumes
  [['volume', 'rm', ''], ['data']],
  [['volume', 'inspect', 'd'], ['data']],
  [['volume', 'import', 'data', ''], [], ':files'],
  [['volume', 'create', ''], []],
  [['run', '-v', 'da'], ['data:'], ':files'],
  [['run', '--volumes-from', 'run'], ['running']],
  [['volume', 'ls', '-f', 'dang'], ['dangling='], ':open'],
  [
    ['volume', 'ls', '-f', 'dangling='],
    ['dangling=true', 'dangling=false'],
  ],
  [['ps', '-f', 'volume='], ['volume=data']],
  // labs
  [['lab', 'start', 'zom'], ['zombies']],
  [['lab', 'predict', 'b', 'pid'], ['pid-namespaces']],
  [
    ['lab', 'list', '--lang', ''],
    ['en', 'zh'],
  ],
  // commands below others
  [['image', 'hist'], ['history']],
  [['system', 'pr'], ['prune']],
  [['system', 'stop', ''], []], // of all, unlike foster stop
  [['system', 'df', '--verb'], ['--verbose']],
  // values of options
  [
    ['run', '--network', ''],
    ['none', 'host', 'bridge', 'shop'],
  ],
  [['run', '--network', 'sh'], ['shop']],
  [
    ['build', '--network', ''],
    ['none', 'host', 'bridge', 'shop'],
  ],
  [['run', '--network=h'], ['--network=host']],
  [['run', '--restart', 'un'], ['unless-stopped']],
  [
    ['run', '--pull', 'n'],
    ['newer', 'never'],
  ],
  [['run', '--log-driver', 'j'], ['json-file']],
  [['run', '--cap-add', 'NET_R'], ['NET_RAW']],
  [['run', '--pid', 'container'], ['container:running']],
  [['run', '--env-file', ''], [], ':files'],
  [['run', '--name', ''], []],
  [
    ['kill', '--signal', 'USR'],
    ['USR1', 'USR2'],
  ],
  [['ps', '--filter', 'stat'], ['status='], ':open'],
  [['ps', '-f', 'status=p'], ['status=paused']],
  [['ps', '-af', 'name=w'], ['name=waiting']],
  [['ps', '--format', 'j'], ['json']],
  [
    ['images', '--filter', 'dangling='],
    ['dangling=true', 'dangling=false'],
  ],
  [['events', '--filter', 'ev'], ['event='], ':open'],
  [['ps', '--sort', 'si'], ['size']],
  [['images', '--sort', 'rep'], ['repository']],
  [['wait', '--condition', 'pau'], ['paused']],
  [['container', 'exec', 'run'], ['running']],
  [['container', 'start', ''], ['waiting']],
  [['run', '--umask', ''], []],
  // pods
  [['pod', 'start', ''], ['shop-pod']],
  [['run', '--pod', 'sh'], ['shop-pod']],
  [['pod', 'ps', '--filter', 'status=de'], ['status=degraded']],
  [['pod', 'create', '--exit-policy', 's'], ['stop']],
  [['pod', 'resta'], ['restart']],
  // networks
  [['network', 'dis'], ['disconnect']],
  [
    ['network', 'inspect', ''],
    ['bridge', 'shop'],
  ],
  [['network', 'rm', 's'], ['shop']],
  [['network', 'connect', 'sh'], ['shop']],
  [['network', 'connect', 'shop', 'wait'], ['waiting']],
  [['network', 'create', '--ip-r'], ['--ip-range']],
  [['network', 'create', '--subnet', ''], []],
  [['network', 'ls', '--filter', 'dang'], ['dangling='], ':open'],
  [['network', 'ls', '-f', 'name=s'], ['name=shop']],
  [['network', 'ls', '--format', 't'], ['table']],
  [['ps', '--filter', 'network=s'], ['network=shop']],
  [
    ['events', '--filter', 'type='],
    ['type=container', 'type=image', 'type=network', 'type=pod', 'type=volume'],
  ],
  [['events', '--filter', 'network=s'], ['network=shop']],
  [['port', 'run'], ['running']],
  // global options
  [['--log-level', 'e'], ['error']],
  [['--storage-driver', 'fuse'], ['fuse-overlayfs']],
  [['--log-level', 'error', 'exec', 'r'], ['running']],
];

test('at each place of a command line what fits there is offered', () => {
  for (const [line, words, directive = ':'] of PLACES)
    assert.deepEqual(completions(...line), { words, directive }, line.join(' '));
});

test('options are offered with their descriptions', () => {
  assert.match(containers.ok('__complete', 'run', '--detach'), /^--detach\trun in the background/);
  assert.match(containers.ok('__complete', ''), /^run\trun a command in a new container$/m);
});

/** How each shell gets the script, at its prompt. */
const SHELLS = {
  bash: ['bash --norc --noprofile', 'PS1="ready> "; source <(foster completion bash)'],
  zsh: ['zsh -f', 'PS1="ready> "; autoload -U compinit; compinit -u; source <(foster completion zsh)'],
  fish: ['fish --no-config', 'function fish_prompt; echo -n "ready> "; end; foster completion fish | source'],
} as const;

for (const [shell, [start, setUp]] of Object.entries(SHELLS)) {
  test(`${shell} completes containers, values, commands and files`, async () => {
    writeFileSync(join(home.folder, 'variables.txt'), '');
    const person = new Tmux(home);
    try {
      await person.seesPrompt();
      person.types(`cd ${home.folder}; clear; ${start}`);
      await person.runs(shell);
      await person.sees(/[$%#>] *$/); // its own prompt, since the screen was cleared before
      person.types(setUp);
      await person.sees(/ready> *$/);
      for (const [typed, completed] of [
        ['foster exec runn', 'foster exec running'],
        ['foster rmi localhost/pic', 'foster rmi localhost/picture:1'],
        ['foster run --network=h', 'foster run --network=host'],
        ['foster system pr', 'foster system prune'],
        ['foster ps --filter status=pau', 'foster ps --filter status=paused'],
        ['foster run --env-file vari', 'foster run --env-file variables.txt'],
      ] as const) {
        person.presses('C-l');
        person.writes(typed);
        await person.sees(typed);
        person.presses('Tab');
        await person.sees(new RegExp(`ready> ${completed.replaceAll('.', '\\.')}\\s*$`));
        person.presses('C-u');
        await person.sees(/ready> *$/);
      }
      person.presses('C-l');
      person.writes('foster image h');
      person.presses('Tab');
      await person.sees('foster image history');
    } finally {
      person.leaves();
    }
  });
}
