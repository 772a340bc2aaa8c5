import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileTemplate } from '../../../../../src/cli/format/template/template.js';

const data = {
  Name: 'web',
  State: { Pid: 42, Running: true, Error: '' },
  Labels: { 'a.b': 'c', x: 'y' },
  Mounts: [{ Source: '/a' }, { Source: '/b' }],
  Args: ['-c', 'true'],
  None: [],
  Volumes: { '/v': {} },
  Empty: {},
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
    ['{{.name}} {{.STATE.pid}}', 'web 42'],
    ['{{lt 1 2}} {{le "b" "a"}} {{gt .State.Pid 41}} {{ge 1 1}}', 'true false true true'],
    ['{{range $i, $e := .Mounts}}{{$i}}={{$e.Source}} {{end}}', '0=/a 1=/b '],
    ['{{range $key, $value := .Labels}}{{$key}}:{{$value}} {{end}}', 'a.b:c x:y '],
    ['{{range $one := .Args}}<{{$one}}{{$.Name}}>{{end}}', '<-cweb><trueweb>'],
    ['{{$x := .State}}{{$x.Pid}}{{with .Mounts}}{{$x.Pid}}{{end}}', '4242'],
    ['{{$n := 1}}{{if true}}{{$n = 2}}{{end}}{{$n}}', '2'],
    ['{{$n := 1}}{{if true}}{{$n := 2}}{{$n}}{{end}}{{$n}}', '21'],
    ['{{if $pid := .State.Pid}}{{$pid}}{{end}}', '42'],
    ['{{with $s := .State}}{{.Pid}} {{$s.Pid}}{{else with .Name}}{{.}}{{end}}', '42 42'],
    ['{{with .None}}{{.}}{{else with .Name}}{{.}}{{end}}', 'web'],
    ['{{split "a,b" ","}} {{index (split "a,b" ",") 1}}', '[a b] b'],
    ['{{title "ab cd"}} {{truncate .Name 2}} [{{pad .Name 1 2}}] [{{pad "" 1 2}}]', 'Ab Cd we [ web  ] []'],
    ['{{slice .Name 1 2}} {{slice .Args 1}}', 'e [true]'],
    ['{{print .Name 1 2 "x"}} {{html "<a>"}} {{urlquery "a b&"}}', 'web1 2x &#60;a&#62; a+b%26'],
    [
      '{{printf "%s|%5d|%-4s|%04d|%q|%v|%t|%x|%.1f|%%" .Name 42 "a" 7 "b" .Args true 255 1.25}}',
      'web|   42|a   |0007|"b"|[-c true]|true|ff|1.3|%',
    ],
    ['{{.Volumes}} {{.Empty}}', 'map[/v:{}] map[]'],
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
    ['{{fprintf "x"}}', /there is no function 'fprintf', only and, or/],
    ['{{printf "%y" 1}}', /'printf' does not know '%y'/],
    ['{{$y}}', /there is no variable '\$y'/],
    ['{{if true}}{{$y := 1}}{{end}}{{$y}}', /there is no variable '\$y'/],
    ['{{$a, $b := .Args}}', /only 'range' can/],
    ['{{lt 1 "a"}}', /cannot be compared/],
    ['{{slice .Args 3}}', /there are no elements 3 to 2/],
    ['{{pad "a" 99999999 1}}', /a number from 0 to 10000/],
    ['{{toString}}', /there is no function 'toString'/],
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
