import { Command } from 'commander';
import type { Explanation, Phrase } from '../../engine/explain.js';
import type { Language } from '../../engine/language.js';
import { flagError } from '../../spec/parse/flag.js';
import { FosterError } from '../../sys/errors.js';
import { addHelpAfter, prepareCommand } from '../command.js';
import { defineExec } from '../container/exec.js';
import { defineRun } from '../container/run.js';
import { defineBuild } from '../image/build.js';
import { addLanguage, languageOf } from '../language.js';
import { print } from '../output.js';

interface ExplainOptions {
  format?: string;
  type?: string;
  lang?: string;
  bundle?: string;
  diff?: boolean;
  run?: boolean;
  strace?: boolean;
}

/** What can be explained besides topics, for the list. */
const FORMS: readonly { term: string; meaning: Phrase }[] = [
  { term: 'foster explain CONTAINER', meaning: 'a container that runs or has ended' },
  { term: 'foster explain run ...', meaning: 'what foster run would do' },
  { term: 'foster explain exec ...', meaning: 'what foster exec would do' },
  { term: 'foster explain build ...', meaning: 'what foster build would do' },
  { term: 'foster explain pod POD', meaning: 'what the containers of a pod share' },
  { term: 'foster explain kube FILE', meaning: 'what a file of Kubernetes describes' },
  { term: 'foster explain --bundle DIR', meaning: 'what an OCI bundle describes' },
  { term: 'foster explain --diff A B', meaning: 'what differs between two containers' },
];

/** `foster explain`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description(
      'Explain a topic with commands that you can try, a container, or what a command line would do.',
    )
    .usage('[options] [TOPIC | CONTAINER | pod POD | kube FILE | run ... | exec ... | build ...]')
    .argument('[NAME...]', 'a topic or a container; none lists the topics')
    .option('-f, --format <FORMAT>', 'text, json or md (default: text)')
    .option('--type <TYPE>', 'what NAME is: topic, container or pod')
    .option('--bundle <DIR>', 'explain the container that an OCI bundle describes')
    .option('--diff', 'explain what differs between two containers, or one and host')
    .option('--strace', 'with run: do it, and show what strace sees of each step')
    .option('--no-run', 'show the commands of a topic, but do not run them');
  addLanguage(command);
  const given = () => command.opts<ExplainOptions>();
  // a container may be called run: --type says so
  if (!argv.some((word) => /^--type(=|$)/.test(word))) addForms(command, argv, given);
  addHelpAfter(command, [
    'Examples:',
    '  foster explain                          the topics',
    '  foster explain zombie                   a topic, with commands that are run',
    '  foster explain web                      a container, by what the kernel says of it',
    '  foster explain run -v .:/work busybox ls    each step of a run, which is not done',
    '  foster explain --strace run --rm busybox true',
    '  foster explain exec web sh',
    '  foster explain build .                  each instruction of a Dockerfile, and how RUN is run',
    '  foster explain --bundle DIR',
    '  foster explain --diff web host          what a container does not share',
    '  foster explain --format md pid1 >pid1.md',
  ]);
  command.action(async (words: string[]) => {
    const options = given();
    await show(() => explained(words, options), options);
  });
}

/** Those that are followed by a command line of their own. */
function addForms(command: Command, argv: string[], given: () => ExplainOptions): void {
  const form = (name: string) =>
    prepareCommand(command.command(name, { hidden: true })).helpOption('-h, --help', 'show this help');
  const [run, exec, build] = [argv.indexOf('run'), argv.indexOf('exec'), argv.indexOf('build')];
  command.helpCommand(false).enablePositionalOptions();
  if (run >= 0)
    defineRun(form('run'), argv.slice(run + 1), 'Explain what foster run would do.', async (request) => {
      const { explainRun, explainTraced } = await import('../../engine/explain.js');
      const words = argv.slice(run + 1);
      const language = languageOfText(given());
      await show(
        () => (given().strace ? explainTraced(request, words, language) : explainRun(request, language)),
        given(),
      );
    });
  if (exec >= 0)
    defineExec(form('exec'), argv.slice(exec + 1), async (container, request) => {
      const { explainExec } = await import('../../engine/explain.js');
      await show(() => explainExec(container, request, languageOfText(given())), given());
    });
  if (build >= 0)
    defineBuild(
      form('build'),
      argv.slice(build + 1),
      'Explain what foster build would do.',
      async (request) => {
        const { explainBuild } = await import('../../engine/explain.js');
        await show(() => explainBuild(request, languageOfText(given())), given());
      },
    );
}

/** Programs that read JSON are told nothing in a person's language, but for the texts of topics. */
function languageOfText(options: ExplainOptions): Language {
  const language = languageOf(options);
  return options.format === 'json' ? 'en' : language;
}

async function explained(words: string[], options: ExplainOptions): Promise<Explanation> {
  const engine = await import('../../engine/explain.js');
  const language = languageOfText(options);
  const [first, second, ...others] = words;
  if (options.strace)
    throw new FosterError('--strace needs a run', {
      kind: 'invalid',
      advice: 'foster explain --strace run --rm busybox true',
    });
  if (options.bundle !== undefined) {
    if (first !== undefined) throw together('--bundle', first);
    return await ofBundle(options.bundle, language);
  }
  if (options.diff) {
    if (first === undefined || second === undefined || others.length > 0)
      throw new FosterError('--diff needs two names', {
        kind: 'invalid',
        advice: "those of two containers that run, or of one and 'host'",
      });
    return await engine.explainDifference(first, second, language);
  }
  if (first === 'kube' && second !== undefined && others.length === 0)
    return await engine.explainKube(second, language);
  if (first === 'pod' && second !== undefined && others.length === 0)
    return await engine.explainPod(second, language);
  const several = words.join(' ');
  if (second !== undefined && !(await engine.isTopic(several)))
    throw new FosterError(`foster explain takes one name, and not also '${second}'`, {
      kind: 'invalid',
      advice: '--diff compares two',
    });
  if (first === undefined) return await engine.explainTopics(languageOf(options), FORMS);
  return await engine.explainNamed(several, {
    type: typeOf(options.type),
    language: languageOf(options),
    isData: options.format === 'json',
    runs: options.run ?? true,
  });
}

/** As `foster explain run --bundle DIR`. */
async function ofBundle(folder: string, language: Language): Promise<Explanation> {
  const { explainRun } = await import('../../engine/explain.js');
  const run = prepareCommand(new Command('run'));
  const argv = [`--bundle=${folder}`];
  let found: Explanation | undefined;
  defineRun(run, argv, 'Explain a bundle.', async (request) => {
    found = await explainRun(request, language);
  });
  await run.parseAsync(argv, { from: 'user' });
  if (found === undefined) throw new Error('the bundle was not explained');
  return found;
}

function together(option: string, word: string): FosterError {
  return new FosterError(`${option} and '${word}' cannot be used together`, { kind: 'invalid' });
}

function typeOf(value: string | undefined): 'topic' | 'container' | 'pod' | undefined {
  if (value === undefined || value === 'topic' || value === 'container' || value === 'pod') return value;
  throw flagError('--type', value, 'expected topic, container or pod');
}

/** How an explanation is drawn. @throws FosterError for an unknown format */
async function drawing(format = 'text'): Promise<(explanation: Explanation) => string> {
  if (format === 'json') return ({ data }) => `${JSON.stringify(data, null, 2)}\n`;
  if (format === 'md') return (await import('../format/explanation-markdown.js')).explanationMarkdown;
  if (format !== 'text') throw flagError('--format', format, 'expected text, json or md');
  const { explanationText } = await import('../format/explanation.js');
  return (explanation) => explanationText(explanation, screenWidth());
}

/** The widest that lines of text become: longer ones are hard to read. */
const WIDEST = 100;

function screenWidth(): number {
  const { isTTY, columns } = process.stdout;
  return isTTY && columns > 0 ? Math.min(columns, WIDEST) : 80;
}

/** Prints an explanation. It is not made in vain, if there is no such format. */
async function show(explain: () => Promise<Explanation>, { format }: ExplainOptions): Promise<void> {
  const draw = await drawing(format);
  print(draw(await explain()));
}
