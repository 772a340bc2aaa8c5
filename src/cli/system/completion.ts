import { Command, type Option } from 'commander';
import { flagError } from '../../spec/parse/flag.js';
import { DRIVERS } from '../../spec/storage-driver.js';
import { addHelpAfter, type CommandEntry } from '../command.js';
import { print } from '../output.js';

/** A command as a completion script sees it. */
interface Completion {
  name: string;
  summary: string;
  options: { short: string | undefined; long: string; takesValue: boolean; description: string }[];
  /** What its arguments are. */
  operands: 'root' | 'containers' | 'shells' | 'none';
}

const SHELLS = ['bash', 'zsh', 'fish'];

/** Root filesystems that foster builds by itself. */
const RECIPES = ['busybox', 'host', 'debian'];

/** `foster completion`. */
export function configure(command: Command, _argv: string[], commands: readonly CommandEntry[]): void {
  command
    .description("Print a shell script that completes foster's commands, options and containers.")
    .argument('<SHELL>', SHELLS.join(', '));
  addHelpAfter(command, [
    'Examples:',
    '  foster completion bash > ~/.local/share/bash-completion/completions/foster',
    '  foster completion zsh > "$fpath[1]/_foster"',
    '  foster completion fish > ~/.config/fish/completions/foster.fish',
  ]);
  command.action(async (shell: string) => {
    print(completionScript(shell, await completions(commands)));
  });
}

/** All commands with their options, from the modules of the registry. */
export async function completions(commands: readonly CommandEntry[]): Promise<Completion[]> {
  return Promise.all(
    commands.map(async ({ name, summary, load }) => {
      const command = new Command(name);
      (await load()).configure(command, [], commands);
      const options = command.options.filter((option) => !option.hidden && option.long).map(describeOption);
      return { name, summary, options, operands: operandsOf(name) };
    }),
  );
}

function describeOption(option: Option): Completion['options'][number] {
  return {
    short: option.short,
    long: option.long ?? '',
    takesValue: option.required,
    description: option.description,
  };
}

const TAKE_CONTAINERS = new Set(
  'commit diff export inspect kill logs mount pause ps rename rm stats stop top umount unpause update wait'.split(
    ' ',
  ),
);

function operandsOf(name: string): Completion['operands'] {
  if (name === 'run') return 'root';
  if (TAKE_CONTAINERS.has(name)) return 'containers';
  return name === 'completion' ? 'shells' : 'none';
}

/**
 * A completion script.
 * @throws FosterError for a shell that is not known
 */
export function completionScript(shell: string, commands: Completion[]): string {
  switch (shell) {
    case 'bash':
      return bash(commands);
    case 'zsh':
      return zsh(commands);
    case 'fish':
      return fish(commands);
    default:
      throw flagError('foster completion', shell, `expected one of ${SHELLS.join(', ')}`);
  }
}

const CONTAINERS = "foster ps -a --format '{{.Names}}' 2>/dev/null";

function bash(commands: Completion[]): string {
  const cases = commands.map(({ name, options, operands }) => {
    const flags = [...options.flatMap(({ short, long }) => [short, long]), '--help']
      .filter(Boolean)
      .join(' ');
    const values = options
      .filter(({ takesValue }) => takesValue)
      .flatMap(({ short, long }) => [short, long])
      .filter(Boolean)
      .join(' ');
    return `    ${name}) flags='${flags}' values=' ${values} ' operands=${operands} ;;`;
  });
  return `# bash completion for foster
_foster() {
  local current=\${COMP_WORDS[COMP_CWORD]} command= flags= values= operands=none word i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    [[ $word == --storage-driver ]] && { ((i += 1)); continue; }
    if [[ $word != -* ]]; then command=$word; break; fi
  done
  case $command in
    '') COMPREPLY=($(compgen -W '${commands.map(({ name }) => name).join(' ')} help --help --version --debug --storage-driver' -- "$current")); return ;;
    help) COMPREPLY=($(compgen -W '${commands.map(({ name }) => name).join(' ')}' -- "$current")); return ;;
${cases.join('\n')}
    *) return ;;
  esac
  # in "run", what follows ROOT is the container's
  local count=0 skip=0
  for ((i++; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if ((skip)); then skip=0
    elif [[ $values == *" $word "* ]]; then skip=1
    elif [[ $word != -* && $word != '=' ]]; then ((count++)); fi
  done
  if ((skip)); then COMPREPLY=($(compgen -f -- "$current")); return; fi
  if [[ $operands == root ]] && ((count > 0)); then COMPREPLY=($(compgen -f -- "$current")); return; fi
  if [[ $current == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$current")); return; fi
  case $operands in
    root) COMPREPLY=($(compgen -W '${RECIPES.join(' ')}' -- "$current") $(compgen -f -- "$current")) ;;
    containers) COMPREPLY=($(compgen -W "$(${CONTAINERS})" -- "$current")) ;;
    shells) COMPREPLY=($(compgen -W '${SHELLS.join(' ')}' -- "$current")) ;;
  esac
}
complete -o filenames -F _foster foster
`;
}

function zsh(commands: Completion[]): string {
  const cases = commands.map(({ name, options, operands }) => {
    const specs = [...options.flatMap(zshOption), zshQuote('--help[show this help]')];
    const rest = {
      root: ["'1:root filesystem:_foster_roots'", "'*::command: _normal'"],
      containers: ["'*:container:_foster_containers'"],
      shells: [`'1:shell:(${SHELLS.join(' ')})'`],
      none: [],
    }[operands];
    const lead = operands === 'root' ? '_arguments -s -S' : '_arguments -s';
    return `    ${name})\n      ${lead} \\\n        ${[...specs, ...rest].join(' \\\n        ')} ;;`;
  });
  return `#compdef foster
_foster_containers() { compadd -- \${(f)"$(${CONTAINERS})"} }
_foster_roots() { compadd -- ${RECIPES.join(' ')}; _files }
_foster() {
  local state line context
  typeset -A opt_args
  _arguments -C '(-h --help)'{-h,--help}'[show this help]' '(-v --version)'{-v,--version}'[show the version]' \\
    '--debug[also print the stack trace of an error]' '--storage-driver[overlay, fuse-overlayfs or copy]:driver:(${DRIVERS.join(' ')})' \\
    '1:command:->command' '*::argument:->argument'
  case $state in
    command)
      local -a commands=(
${commands.map(({ name, summary }) => `        ${zshQuote(`${name}:${summary}`)}`).join('\n')}
      )
      _describe command commands
      return ;;
  esac
  case $line[1] in
${cases.join('\n')}
  esac
}
if [ "$funcstack[1]" = _foster ]; then _foster "$@"; else compdef _foster foster; fi
`;
}

function zshOption({ short, long, takesValue, description }: Completion['options'][number]): string[] {
  const text = description.replace(/[[\]:\\]/g, (char) => `\\${char}`);
  const action = takesValue ? ':value:_files' : '';
  const flags = short === undefined ? [long] : [short, long];
  // "*": an option may be given again
  return flags.map((flag) => zshQuote(`*${flag}[${text}]${action}`));
}

function zshQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function fish(commands: Completion[]): string {
  const lines = commands.flatMap(({ name, summary, options, operands }) => {
    const within = `complete -c foster -n '__fish_seen_subcommand_from ${name}'`;
    const values = {
      root: [`${within} -F -a '${RECIPES.join(' ')}'`],
      containers: [`${within} -a ${fishQuote(`(${CONTAINERS})`)}`],
      shells: [`${within} -a '${SHELLS.join(' ')}'`],
      none: [],
    }[operands];
    return [
      `complete -c foster -n __fish_use_subcommand -a ${name} -d ${fishQuote(summary)}`,
      ...options.map(({ short, long, takesValue, description }) => {
        const flags = `${short === undefined ? '' : `-s ${short.slice(1)} `}-l ${long.slice(2)}`;
        return `${within} ${flags}${takesValue ? ' -r -F' : ''} -d ${fishQuote(description)}`;
      }),
      ...values,
    ];
  });
  return `# fish completion for foster
complete -c foster -f
complete -c foster -n __fish_use_subcommand -l version -s v -d 'show the version of foster'
complete -c foster -n __fish_use_subcommand -l storage-driver -x -a '${DRIVERS.join(' ')}' -d 'overlay, fuse-overlayfs or copy'
complete -c foster -l help -d 'show help'
${lines.join('\n')}
`;
}

function fishQuote(text: string): string {
  return `'${text.replace(/[\\']/g, (char) => `\\${char}`)}'`;
}
