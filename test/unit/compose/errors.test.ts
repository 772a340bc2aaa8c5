// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of Compose files
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { describedFields } from '../../../src/compose/fields.js';
import { errorOf, read } from './files.js';

/** Each with the error for it: what is wrong, where, and what to do. */
const CASES: [file: string, error: RegExp][] = [
  [
    'services:\n  web:\n    imag: x\n',
    /^compose\.yaml:3:11: services\.web\.imag: the Compose Specification has no field 'imag' here; did you mean image\?$/,
  ],
  [
    'services:\n  web:\n    image: x\n    ports:\n      - "x:80"\n',
    /^compose\.yaml:5:9: services\.web\.ports\[0\]: 'x:80': expected \[\[IP:\]HOST_PORT:\]/,
  ],
  [
    'services:\n  web:\n    image: x\n    ports: [{target: 80, foo: 1}]\n',
    /^compose\.yaml:4:31: services\.web\.ports\[0\]\.foo: .* no field 'foo' here; fields of your own begin with x-$/,
  ],
  [
    'services:\n  web:\n    image: 5\n',
    /^compose\.yaml:3:12: services\.web\.image: expected a text, got the number 5$/,
  ],
  [
    'services:\n  web:\n    image: x\n    command: {a: b}\n',
    /^compose\.yaml:4:5: services\.web\.command: expected nothing, a text or a list, got a mapping$/,
  ],
  [
    'services:\n  web:\n    image: x\n    depends_on: {db: {condition: ready}}\n',
    /services\.web\.depends_on\.db\.condition: expected service_started, service_healthy or service_completed_successfully, got 'ready'$/,
  ],
  [
    'services:\n  web: {image: x, depends_on: [db]}\n',
    /^compose\.yaml:2:32: services\.web\.depends_on\.db|there is no service "db"$/,
  ],
  [
    'services:\n  web: {image: x, environment: [A=1, A=1]}\n',
    /services\.web\.environment\[1\]: it is in the list twice$/,
  ],
  [
    'services:\n  web: {environment: {A: b}}\n',
    /^compose\.yaml:2:3: services\.web: it has neither an image nor a build$/,
  ],
  ['services:\n  "we b": {image: x}\n', /'we b' is not a name: letters, digits/],
  [
    'services:\n  web: {image: x, networks: [back]}\n',
    /services\.web\.networks\.back: there is no network "back" in networks; add it: networks: \{ back: \{\} \}$/,
  ],
  [
    'services:\n  web: {image: x, volumes: ["data:/data"]}\n',
    /^compose\.yaml:2:29: services\.web\.volumes\[0\]: there is no volume "data" in volumes; add it: volumes: \{ data: \{\} \}, or write \.\/data for a folder$/,
  ],
  [
    'services:\n  web: {image: x, secrets: [s]}\n',
    /services\.web\.secrets\[0\]: there is no secret "s" in secrets$/,
  ],
  [
    'services:\n  web: {image: x}\nsecrets: {s: {}}\n',
    /^compose\.yaml:3:11: secrets\.s: where it comes from is missing: file, environment$/,
  ],
  [
    'services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, depends_on: [a]}\n',
    /services need each other in a circle: a, b, a$/,
  ],
  [
    'services:\n  a: {extends: b}\n  b: {extends: a}\n',
    /services\.a\.extends|services\.b\.extends.*services extend each other in a circle/,
  ],
  [
    'services:\n  a: {extends: {file: none.yaml, service: b}}\n',
    /services\.a\.extends: cannot read .*none\.yaml: /,
  ],
  [
    'services:\n  web: {image: x, container_name: ww, scale: 2}\n',
    /services\.web\.container_name: 2 containers cannot have the same name; leave out container_name$/,
  ],
  [
    'services:\n  web: {image: x, network_mode: host, networks: [a]}\nnetworks: {a: {}}\n',
    /network_mode and networks cannot be used together$/,
  ],
  [
    'services:\n  web: {image: "x:${TAG:?which?}"}\n',
    /^compose\.yaml:2:16: services\.web\.image: the variable TAG is not set: which\?$/,
  ],
  ['services:\n  web: {image: x, command: "a \'b"}\n', /services\.web\.command: a quote is not closed$/],
  [
    'services:\n  web: {image: x, healthcheck: {test: [curl, x]}}\n',
    /healthcheck\.test: the first word must be NONE, CMD or CMD-SHELL; a text alone is for the shell$/,
  ],
  [
    'services:\n  web: {image: x, env_file: none.env}\n',
    /^compose\.yaml:2:29: services\.web\.env_file\[0\]: cannot read .*none\.env: no such file/,
  ],
  [
    'services:\n  web: {image: x, gpus: all}\n',
    /^compose\.yaml:2:25: services\.web\.gpus: gpus is not supported: .*; use devices$/,
  ],
  [
    'services: {web: {image: x}}\nsecrets: {s: {external: true}}\n',
    /secrets\.s\.external: external is not supported: there is no store for secrets; use file or environment$/,
  ],
  [
    'services: {web: {image: x, secrets: [s]}}\nsecrets: {s: {environment: NOT_SET}}\n',
    /^compose\.yaml:2:28: secrets\.s\.environment: the variable NOT_SET is not set$/,
  ],
  // cut short, and other damage
  [
    'services:\n  web:\n    image: "x\n',
    /^compose\.yaml:\d+:\d+: it is not valid YAML: missing closing "quote$/,
  ],
  ['services:\n  web: {image: x\n', /^compose\.yaml:\d+:\d+: it is not valid YAML: /],
  ['services:\n  web:\n    ima', /^compose\.yaml:3:5: services\.web: expected a mapping, got 'ima'$/],
  ['services:\n  web:\n    image: x\n   ports: []\n', /^compose\.yaml:\d+:\d+: it is not valid YAML: /],
  [
    'services:\n  web: {image: x}\n  web: {image: y}\n',
    /^compose\.yaml:3:3: it is not valid YAML: map keys must be unique$/,
  ],
  ['', /^compose\.yaml: the file is empty; a Compose file has services$/],
  ['# nothing\n', /the file is empty/],
  ['- a\n', /^compose\.yaml:1:1: expected a mapping with services/],
  ['services: {}\n', /services: there are no services; a service has an image or a build$/],
  ['services: {web: *missing}\n', /missing/],
  ['services: {web: {image: x, labels: {__proto__: y}}}\n', /the key __proto__ is not allowed$/],
];

test('what is wrong with a file: the file, the line, the column, the path, and what to do', () => {
  const wrong = CASES.flatMap(([file, expected]) => {
    const error = errorOf(file);
    return expected.test(error) ? [] : [{ file, error, expected }];
  });
  assert.deepEqual(wrong, []);
});

test('aliases cannot make a file as large as they like', () => {
  const lines = ['x-a: &a [1,1,1,1,1,1,1,1,1,1]'];
  for (const [index, letter] of [...'bcdefgh'].entries())
    lines.push(`x-${letter}: &${letter} [${Array(10).fill(`*${'abcdefgh'[index]}`).join(',')}]`);
  assert.match(
    errorOf(`${lines.join('\n')}\nservices: {w: {image: x}}\n`),
    /its aliases and mappings make it too large$/,
  );
  assert.match(errorOf('x-a: &a [*a]\nservices: {w: {image: x}}\n'), /too large|no anchor/);
});

test('fields without an effect are warned of, with their place', () => {
  const { warnings } = read({
    'compose.yaml': `version: "3.8"
services:
  web:
    image: x
    deploy:
      placement: {constraints: [node.role == manager]}
      restart_policy: {delay: 5s}
    secrets: [{source: s, mode: 0400}]
secrets: {s: {file: x, labels: {a: b}}}
`,
  });
  assert.deepEqual(warnings, [
    'compose.yaml:8:33: services.web.secrets[0].mode: it has no effect: a file is mounted with the owner and the mode that it has',
    'compose.yaml:1:10: version: it has no effect: there is one version of the Compose Specification',
    'compose.yaml:6:7: services.web.deploy.placement: it has no effect: foster runs containers on one machine',
    'compose.yaml:7:31: services.web.deploy.restart_policy.delay: it has no effect: foster waits longer after each restart by itself',
    'compose.yaml:9:24: secrets.s.labels: it has no effect: there is no store for secrets',
  ]);
});

test('each field that is described is one of the specification', () => {
  interface Schema {
    properties?: Record<string, Schema>;
    patternProperties?: Record<string, Schema>;
    items?: Schema;
    oneOf?: Schema[];
    $ref?: string;
    definitions?: Record<string, Schema>;
  }
  const schema = JSON.parse(readFileSync('src/compose/schema/compose-spec.json', 'utf8')) as Schema;
  const below = (one: Schema, step: string): Schema[] => {
    const name = one.$ref?.split('/').at(-1);
    const target = name === undefined ? one : (schema.definitions?.[name] ?? {});
    const alternatives = target.oneOf ?? [];
    const own =
      step === '*'
        ? [...Object.values(target.patternProperties ?? {}), target.items].filter(
            (found) => found !== undefined,
          )
        : [target.properties?.[step]].filter((found) => found !== undefined);
    return [...own, ...alternatives.flatMap((alternative) => below(alternative, step))];
  };
  for (const field of describedFields()) {
    let found: Schema[] = [schema];
    for (const step of field.split('.')) found = found.flatMap((one) => below(one, step));
    assert.ok(found.length > 0, `${field} is in the schema`);
  }
});
