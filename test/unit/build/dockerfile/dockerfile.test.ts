import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DockerfileParser } from 'dockerfile-ast';
import { type Instruction, parseDockerfile } from '../../../../src/build/dockerfile/dockerfile.js';

function parse(text: string): Instruction[] {
  return parseDockerfile(text, 'Dockerfile', DockerfileParser).instructions;
}

function only(text: string): Instruction {
  const [instruction, ...others] = parse(text);
  assert.ok(instruction !== undefined && others.length === 0, `one instruction in ${text}`);
  return instruction;
}

test('instructions with their lines, flags and the rest', () => {
  const found = parse(
    '# c\nfrom --platform=linux/amd64 a AS b\n\n  RUN x\nCOPY --chown=1:2 --link ["a b", "c"]\n',
  );
  assert.deepEqual(
    found.map(({ keyword, line, flags, rest }) => [
      keyword,
      line,
      flags.map(({ name, value }) => `${name}=${value}`),
      rest,
    ]),
    [
      ['FROM', 2, ['platform=linux/amd64'], 'a AS b'],
      ['RUN', 4, [], 'x'],
      ['COPY', 5, ['chown=1:2', 'link='], '["a b", "c"]'],
    ],
  );
});

test('continued lines are one; comments and empty lines between them do not count', () => {
  assert.equal(only('RUN a \\\n  # no\n  b "c  d" \\\n\n  && e').rest, 'a   b "c  d"   && e');
  assert.equal(only('RUN a \\   \n  b').rest, 'a   b');
  assert.equal(only('RUN a # not a comment').rest, 'a # not a comment');
});

test('the escape directive', () => {
  const file = parseDockerfile('# escape=`\nFROM a\nRUN b `\n c:\\\n', 'Dockerfile', DockerfileParser);
  assert.equal(file.escape, '`');
  assert.deepEqual(
    file.instructions.map(({ rest }) => rest),
    ['a', 'b  c:\\'],
  );
});

test('here-documents', () => {
  const one = only('RUN <<EOF cat > /x && <<-"E2" tr a b\nline # no comment\n\nEOF\n\ttabbed\n\tE2\n');
  assert.equal(one.rest, '<<EOF cat > /x && <<-"E2" tr a b');
  assert.deepEqual(one.heredocs, [
    { name: 'EOF', content: 'line # no comment\n\n', expands: true },
    { name: 'E2', content: 'tabbed\n', expands: false },
  ]);
  assert.equal(one.body, 'line # no comment\n\nEOF\n\ttabbed\n\tE2\n');
  assert.deepEqual(only('COPY <<a /b\na').heredocs, [{ name: 'a', content: '', expands: true }]);
});

test('the line after a here-document is an instruction', () => {
  assert.deepEqual(
    parse('RUN <<EOF\nFROM x\nEOF\nUSER y').map(({ keyword, line }) => [keyword, line]),
    [
      ['RUN', 1],
      ['USER', 4],
    ],
  );
});

test('errors name file and line', () => {
  assert.throws(() => parse('FROM a\nFOO b'), /^FosterError: Dockerfile:2: unknown instruction 'FOO'/);
  assert.throws(() => parse('FRM a'), {
    message: /unknown instruction 'FRM'$/,
    advice: 'did you mean FROM?',
  });
  assert.throws(
    () => parse('FROM a\n\nRUN <<EOF\nx'),
    /Dockerfile:3: the here-document 'EOF' is not terminated/,
  );
  assert.throws(() => parse(' \n# nothing\n'), /Dockerfile has no instruction/);
  assert.throws(() => parse('FROM a\0b'), /NUL/);
  const many = `FROM a\nCOPY ${'--f \\\n'.repeat(100_000)}`;
  assert.throws(() => parse(many), /^FosterError: Dockerfile:2: the instruction has over 1000 flags/);
  const other = `# escape=\`\nFROM a\nCOPY ${'--f=\\x `\n'.repeat(100_000)}`;
  assert.throws(() => parse(other), /^FosterError: Dockerfile:3: the instruction has over 1000 flags/);
});

test('flags with many backslashes take no time', () => {
  const flag = `--${'\\--'.repeat(40)}${'x'.repeat(5000)}`;
  assert.equal(parse(`FROM a\nRUN ${flag} b`).at(-1)?.rest, `${flag} b`);
});

test('Windows line ends and a byte order mark', () => {
  assert.deepEqual(
    parse('\ufeffFROM a\r\nRUN b \\\r\n c\r\n').map(({ rest }) => rest),
    ['a', 'b  c'],
  );
});
