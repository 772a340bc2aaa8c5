import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileTemplate } from '../../../../src/cli/format/template.js';

const data = {
  Name: 'web',
  State: { Pid: 42, Running: true, Error: '' },
  Labels: { 'a.b': 'c', x: 'y' },
  Mounts: [{ Source: '/a' }, { Source: '/b' }],
  Args: ['-c', 'true'],
  None: [],
  Label: (key: unknown) => `label ${key}`,
};

test('templates', () => {
  const cases: [string, string][] = [
    ['', ''],
    ['plain', 'plain'],
    ['{{.Name}}', 'web'],
    ['{{ .Name }} {{.State.Pid}}', 'web 42'],
    ['{{$.Name}}', 'web'],
    ['{{json .Labels}}', '{"a.b":"c","x":"y"}'],
    ['{{.Args | json}}', '["-c","true"]'],
    ['{{index .Labels "a.b"}}', 'c'],
    ['{{index .Labels "none"}}', ''],
    ['{{index .Args 1}}', 'true'],
    ['{{(index .Mounts 1).Source}}', '/b'],
    ['{{.Label "x"}}', 'label x'],
    ['{{join .Args " "}}', '-c true'],
    ['{{len .Mounts}} {{len .Name}}', '2 3'],
    ['{{upper .Name}}{{.Name | upper | lower}}', 'WEBweb'],
    ['{{range .Mounts}}{{.Source}} {{$.Name}};{{end}}', '/a web;/b web;'],
    ['{{range .None}}x{{else}}none{{end}}', 'none'],
    ['{{if .State.Running}}up{{else}}down{{end}}', 'up'],
    ['{{if .State.Error}}a{{else if eq .Name "web"}}b{{else}}c{{end}}', 'b'],
    ['{{if and .State.Running (not .None)}}yes{{end}}', 'yes'],
    ['{{if or .State.Error .None}}yes{{else}}no{{end}}', 'no'],
    ['{{with .State}}{{.Pid}}{{end}}', '42'],
    ['a {{- .Name -}} b', 'awebb'],
    ['{{"}}"}}{{`x"y`}}', '}}x"y'],
    ['{{println .Name 1}}', 'web 1\n'],
    ['{{.Args}} {{.Labels}}', '[-c true] map[a.b:c x:y]'],
    ['{{/* a comment */}}x', 'x'],
    ['{{ne 1 2}}', 'true'],
  ];
  for (const [source, expected] of cases) assert.equal(compileTemplate(source)(data), expected, source);
});

test('invalid templates', () => {
  const cases: [string, RegExp][] = [
    ['{{', /without '}}'/],
    ['{{.Name', /without '}}'/],
    ['{{}}', /is empty/],
    ['{{.Nope}}', /there is no field 'Nope', only Name, State/],
    ['{{.State.Nope}}', /there is no field 'Nope', only Pid/],
    ['{{.Name.Nope}}', /there is no field 'Nope' in web/],
    ['{{.constructor}}', /there is no field 'constructor'/],
    ['{{.__proto__}}', /there is no field '__proto__'/],
    ['{{.Name "x"}}', /a field takes no argument/],
    ['{{printf "x"}}', /there is no function 'printf', only json/],
    ['{{toString}}', /there is no function 'toString'/],
    ['{{$x := 1}}', /is not understood/],
    ['{{if .Name}}', /{{if}} without {{end}}/],
    ['{{if .Name}}{{else}}', /{{if}} without {{end}}/],
    ['{{end}}', /{{end}} without a beginning/],
    ['{{json}}', /'json' is called with 0 arguments/],
    ['{{.Name | }}', /an empty command/],
    ['{{(.Name}}', /lacks a '\)'/],
    ['{{.Name)}}', /a '\)' too many/],
    ['{{index .Args 5}}', /there is no element 5/],
    ['{{len 5}}', /'len' needs/],
    ['{{"a\\q"}}', /is not understood/],
  ];
  for (const [source, message] of cases) {
    assert.throws(() => compileTemplate(source)(data), { name: 'FosterError', message }, source);
  }
});
