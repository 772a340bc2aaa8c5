/** Manual pages for man(1), from the --help of all commands. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Writes FOLDER/foster.1 and a page for each command. What has several names, such as `rmi` and `image rm`, is one page; the
 * others refer to it.
 * @param reference what src/cli/reference.ts returns for an infinite width
 */
export function writeManPages(reference, folder, version) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const pages = new Map();
  const shortestFirst = [...reference].sort((a, b) => a.words.length - b.words.length);
  for (const { words, summary, text } of shortestFirst) {
    const name = ['foster', ...words].join('-');
    const body = text.slice(text.indexOf('\n'));
    const page = pages.get(body) ?? name;
    pages.set(body, page);
    const content = page === name ? manPage({ words, summary, text }, version) : `.so man1/${page}.1\n`;
    writeFileSync(join(folder, `${name}.1`), content);
  }
}

function manPage({ words, summary, text }, version) {
  const name = ['foster', ...words].join('-');
  const { usage, prose, sections } = parseHelp(text);
  const examples = sections.find(([heading]) => heading === 'Examples');
  const options = sections.filter(([, rows]) => rows[0]?.startsWith('-'));
  const others = sections.filter((one) => one !== examples && !options.includes(one));
  const parent = ['foster', ...words.slice(0, -1)].join('-');
  const lines = [
    `.TH ${quoted(name.toUpperCase())} 1 "" ${quoted(`foster ${version}`)} "foster"`,
    '.SH NAME',
    `${escaped(name)} \\- ${escaped(summary)}`,
    '.SH SYNOPSIS',
    usage.replace(/^foster( [a-z-]+)*/, (command) => `\\fB${escaped(command)}\\fR`),
    '.SH DESCRIPTION',
    ...prose.flatMap((paragraph) => ['.PP', escaped(paragraph)]),
    ...others.flatMap(section),
    ...(options.length === 0 ? [] : ['.SH OPTIONS', ...optionGroups(options)]),
    ...(examples === undefined ? [] : ['.SH EXAMPLES', ...examples[1].flatMap(example)]),
    ...(words.length === 0 ? [] : ['.SH SEE ALSO', `.BR ${escaped(parent)} (1)`]),
  ];
  return `${lines.join('\n')}\n`;
}

/**
 * The parts of a help of infinite width.
 * @returns prose: its paragraphs; sections: pairs of a heading and of its indented lines
 */
function parseHelp(text) {
  const [first, ...lines] = text.split('\n');
  const prose = [];
  const sections = [];
  let open;
  for (const line of lines) {
    if (/^\S.*:$/.test(line)) {
      open = [line.slice(0, -1), []];
      sections.push(open);
    } else if (/^ /.test(line) && open !== undefined) open[1].push(line.trim());
    else if (line === '') open = undefined;
    else prose.push(line);
  }
  return { usage: first.replace(/^Usage: /, ''), prose, sections };
}

/** The groups of options, with their headings unless there is only one. */
function optionGroups(groups) {
  return groups.flatMap(([heading, rows]) => [
    ...(groups.length === 1 ? [] : [`.SS ${quoted(heading)}`]),
    ...rows.flatMap(item),
  ]);
}

/** Terms with their descriptions, or a sentence that leads to a command line. */
function section([heading, rows]) {
  if (rows.every((row) => / {2,}/.test(row)))
    return [`.SH ${quoted(heading.toUpperCase())}`, ...rows.flatMap(item)];
  return ['.PP', escaped(`${heading}:`), ...rows.flatMap(example)];
}

/** `  --name <NAME>   what it is`: a term and its description. */
function item(row) {
  const [term = '', ...rest] = row.split(/ {2,}/);
  const styled = escaped(term)
    .replace(/<([^>]*)>/g, '\\fI$1\\fR')
    .replace(/(^|, )((?:\\-)+[^\s,]+)/g, '$1\\fB$2\\fR');
  return [
    '.TP',
    styled.startsWith('\\f') || /[A-Z]/.test(styled) ? styled : `\\fB${styled}\\fR`,
    escaped(rest.join(' ')),
  ];
}

/** `  foster ps   what it does`: a command line below its comment. */
function example(row) {
  const [, command = row, comment] = /^(.*?) {2,}(\S.*)$/.exec(row) ?? [];
  const lead = comment === undefined ? [] : [escaped(`${comment}:`)];
  return ['.PP', ...lead, '.RS 4', '.EX', escaped(command), '.EE', '.RE'];
}

/** Text in which roff changes nothing: no escapes, no requests at the beginning, and hyphens that can be pasted. */
function escaped(text) {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replace(/^\./, '\\&.');
}

function quoted(text) {
  return `"${escaped(text).replaceAll('"', '\\(dq')}"`;
}
