import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { Home, type Result } from './support/foster.js';
import { OciLayout, OWN } from './support/oci-layout.js';
import { type Exchange, foster, HostileRegistry, PASSWORD, startFoster, USER } from './support/registry.js';
import { Tmux } from './support/tmux.js';
import { waitUntil } from './support/wait.js';

/** Malicious and failing registries: a clear error, and nothing is kept or used. */

const home = new Home();
const layout = new OciLayout();
const SIZE = 4 * 1024 * 1024;
let number = 0;

/** An image that was never pulled before, with one big layer. Its tag is `1`. */
function freshImage() {
  const content = Buffer.alloc(SIZE, `layer ${number++} `);
  const image = layout.image({ layers: [{ members: [{ name: 'big', content }], compression: 'none' }] }, '1');
  const layer = image.layers[0];
  assert.ok(layer);
  return { ...image, layer, bytes: layout.blobs.get(layer.digest) ?? Buffer.alloc(0) };
}

const registry = new HostileRegistry(layout);
before(() => registry.start());
after(() => registry.stop());
afterEach(() => registry.reset());

const MANIFEST = '/v2/app/manifests/1';

async function pull(...flags: string[]): Promise<Result> {
  return await foster(home, ['pull', ...flags, `${registry.host}/app:1`]);
}

function blobs(): string {
  return join(home.folder, 'data/foster/images/blobs/sha256');
}

function entries(): string[] {
  return existsSync(blobs()) ? readdirSync(blobs()) : [];
}

/** The pull has failed, and the image has no name; nor is there more of the layer than was right. */
function failed(
  result: Result,
  message: RegExp,
  { layer }: ReturnType<typeof freshImage>,
  part = false,
): void {
  assert.match(result.stderr, message);
  assert.equal(result.stderr.trim().split('\n').length, 1, result.stderr);
  assert.equal(result.status, 125);
  const index = join(home.folder, 'data/foster/images/index.json');
  const hex = layer.digest.slice('sha256:'.length);
  assert.equal(existsSync(index) && readFileSync(index, 'utf8').includes(hex), false);
  assert.deepEqual(
    entries().filter((name) => name.startsWith(hex)),
    part ? [`${hex}.part`] : [],
  );
  assert.deepEqual(treesBeingMade(), []);
  assert.equal(isUnpacked(hex), false);
}

function treesBeingMade(): string[] {
  return readdirSync(join(home.folder, 'data/foster/roots')).filter((name) => name.startsWith('tmp-'));
}

/** The layers of these tests are not compressed, so that they have the same digest as what they unpack to. */
function isUnpacked(hex: string): boolean {
  const layers = join(home.folder, 'data/foster/layers');
  return existsSync(layers) && readdirSync(layers).some((name) => name.startsWith(hex));
}

function succeeded({ status, stderr }: Result, { layer, bytes }: ReturnType<typeof freshImage>): void {
  assert.deepEqual([status, stderr], [0, '']);
  const hex = layer.digest.slice('sha256:'.length);
  assert.ok(readFileSync(join(blobs(), hex)).equals(bytes));
  assert.ok(isUnpacked(hex));
  assert.deepEqual(treesBeingMade(), []);
}

const blobPath = ({ layer }: ReturnType<typeof freshImage>) => `/v2/app/blobs/${layer.digest}`;

test('a layer with the wrong content', async () => {
  const image = freshImage();
  registry.overrides.set(blobPath(image), ({ response }) =>
    response.end(Buffer.alloc(image.layer.size, 'x')),
  );
  failed(await pull(), /content received for sha256:.* has the digest sha256:/, image);
});

test('a manifest with the wrong digest', async () => {
  const image = freshImage();
  const other = `${'0'.repeat(63)}1`;
  registry.overrides.set(`/v2/app/manifests/sha256:${other}`, ({ response }) =>
    response.end(layout.blobs.get(image.manifest.digest)),
  );
  const result = await foster(home, ['pull', `${registry.host}/app@sha256:${other}`]);
  failed(result, /has the digest sha256:.* instead of sha256:0/, image);
  registry.overrides.set(MANIFEST, ({ response }) =>
    response
      .writeHead(200, { 'docker-content-digest': `sha256:${other}` })
      .end(layout.blobs.get(image.manifest.digest)),
  );
  failed(await pull(), /has the digest sha256:.* instead of sha256:0/, image);
});

test('a download is resumed where the connection broke, again and again', async () => {
  const image = freshImage();
  registry.overrides.set(blobPath(image), ({ request, response, count }) => {
    if (count === 3) return 'honest';
    const start = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0);
    const range = { 'content-range': `bytes ${start}-${SIZE - 1}/${image.bytes.length}` };
    response.writeHead(start > 0 ? 206 : 200, {
      'content-length': image.bytes.length - start,
      ...(start > 0 && range),
    });
    response.write(image.bytes.subarray(start, start + 1_000_000), () => response.destroy());
    return undefined;
  });
  succeeded(await pull(), image);
  const ranges = registry.asked.filter((line) => line.includes(blobPath(image)));
  assert.equal(ranges.length, 4);
  assert.match(ranges[3] ?? '', / bytes=\d{6,}-$/);
});

test('a server without ranges starts over', async () => {
  const image = freshImage();
  registry.overrides.set(blobPath(image), ({ response, count }) => {
    response.writeHead(200, { 'content-length': image.bytes.length });
    if (count === 0) response.write(image.bytes.subarray(0, 1_000_000), () => response.destroy());
    else response.end(image.bytes);
  });
  succeeded(await pull(), image);
});

test('a server that resumes at the wrong offset', async () => {
  const image = freshImage();
  registry.overrides.set(blobPath(image), ({ response, count }) => {
    if (count === 0) {
      response.writeHead(200, { 'content-length': image.bytes.length });
      response.write(image.bytes.subarray(0, 1_000_000), () => response.destroy());
    } else {
      response.writeHead(206, { 'content-range': `bytes 5-${SIZE}/${image.bytes.length}` });
      response.end(image.bytes.subarray(5));
    }
  });
  failed(await pull(), /resumes at the wrong offset/, image);
});

test('Ctrl-C keeps what was downloaded, and the next pull resumes it', async () => {
  const image = freshImage();
  registry.overrides.set(blobPath(image), ({ response, count }) => {
    if (count > 0) return 'honest';
    response.writeHead(200, { 'content-length': image.bytes.length });
    response.write(image.bytes.subarray(0, 2_000_000)); // and no more
    return undefined;
  });
  const running = startFoster(home, ['pull', `${registry.host}/app:1`]);
  const part = join(blobs(), `${image.layer.digest.slice('sha256:'.length)}.part`);
  await waitUntil('half of it has come', () => {
    return statSync(part, { throwIfNoEntry: false })?.size === 2_000_000;
  });
  running.signal('SIGINT');
  const { status } = await running.ended;
  assert.equal(status, 130);
  assert.deepEqual(treesBeingMade(), []);
  succeeded(await pull(), image);
  assert.equal(registry.asked.at(-1), `GET ${blobPath(image)} bytes=2000000-`);
});

test('a layer is unpacked while it is downloaded', async () => {
  const members = ['first', 'last'].map((name) => ({ name, content: Buffer.alloc(SIZE / 2, name) }));
  const image = layout.image({ layers: [{ members, compression: 'none' }] }, '1');
  const layer = image.layers[0];
  assert.ok(layer);
  const bytes = layout.blobs.get(layer.digest) ?? Buffer.alloc(0);
  let sendRest = () => {};
  registry.overrides.set(`/v2/app/blobs/${layer.digest}`, ({ response }) => {
    const middle = SIZE / 2 + 1024;
    response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, middle));
    sendRest = () => response.end(bytes.subarray(middle));
  });
  const running = startFoster(home, ['pull', `${registry.host}/app:1`]);
  const first = () => join(home.folder, 'data/foster/roots', treesBeingMade()[0] ?? '-', '0/diff/first');
  await waitUntil('the first file is there', () => {
    return statSync(first(), { throwIfNoEntry: false })?.size === SIZE / 2;
  });
  sendRest();
  succeeded(await running.ended, { ...image, layer, bytes });
});

test('a layer that cannot be unpacked ends the pull of others', async () => {
  const broken = { members: [{ name: '../escaped', content: 'x' }], compression: 'none' as const };
  const fine = {
    members: [{ name: 'big', content: Buffer.alloc(SIZE, 'fine') }],
    compression: 'none' as const,
  };
  const image = layout.image({ layers: [broken, fine] }, '1');
  const layer = image.layers[1];
  assert.ok(layer);
  const bytes = layout.blobs.get(layer.digest) ?? Buffer.alloc(0);
  let isCut = false;
  registry.overrides.set(`/v2/app/blobs/${layer.digest}`, ({ response }) => {
    response.on('close', () => {
      isCut = true;
    });
    response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, 1_000_000)); // and no more
  });
  const result = await pull();
  failed(
    result,
    /cannot unpack layer .*'..\/escaped' leaves the root filesystem/,
    { ...image, layer, bytes },
    true,
  );
  await waitUntil('the connection is cut', () => isCut);
});

test('a bar on a terminal, until Ctrl-C', async () => {
  const image = freshImage();
  registry.overrides.set(blobPath(image), ({ response }) => {
    response.writeHead(200, { 'content-length': image.bytes.length });
    response.write(image.bytes.subarray(0, 3_000_000)); // and no more
  });
  const person = new Tmux(home);
  try {
    person.types(`foster pull ${registry.host}/app:1`);
    await person.sees(/^[0-9a-f]{12}: Downloading \[=+> +\] 3\.0MB\/4\.2MB$/m);
    person.presses('C-c');
    await person.seesPrompt();
    person.types('echo $?');
    await person.sees(/^130$/m);
  } finally {
    person.leaves();
  }
});

test('a damaged partial download is discarded, and everything is downloaded again', async () => {
  const image = freshImage();
  registry.overrides.set(blobPath(image), ({ request, response, count }) => {
    if (count > 0 || request.headers.range !== undefined) return 'honest';
    response.writeHead(200, { 'content-length': image.bytes.length });
    response.write(Buffer.alloc(1_000_000, 'damage'), () => response.destroy());
    return undefined;
  });
  succeeded(await pull(), image);
});

test('an endless layer is cut off at its size', async () => {
  const image = freshImage();
  let isCut = false;
  registry.overrides.set(blobPath(image), ({ response }) => endless(response, () => (isCut = true)));
  failed(await pull(), /is larger than declared: more than \d+ bytes/, image);
  await waitUntil('the connection is cut', () => isCut);
});

function endless(response: Exchange['response'], cut: () => void): void {
  const piece = Buffer.alloc(256 * 1024);
  const more = () => {
    while (!response.destroyed && response.write(piece));
  };
  response.on('drain', more).on('close', cut);
  more();
}

test('a layer with another size than in its manifest', async () => {
  const image = freshImage();
  registry.overrides.set(blobPath(image), ({ response }) => response.end(image.bytes.subarray(0, 1000)));
  failed(await pull(), /has 1000 bytes for sha256:.* instead of \d+/, image);
});

test('a layer that always ends early', async () => {
  const image = freshImage();
  registry.overrides.set(blobPath(image), ({ request, response }) => {
    if (request.headers.range !== undefined) return response.destroy();
    response.writeHead(200, { 'transfer-encoding': 'chunked' });
    return response.end(image.bytes.subarray(0, 1000));
  });
  failed(await pull(), /cannot connect to .*: the connection was closed/, image, true);
});

test('redirects lead only to http and https, and not to less security', async () => {
  const image = freshImage();
  for (const place of ['file:///etc/passwd', 'ftp://example.com/x', 'data:,x', 'http://[bad']) {
    registry.overrides.set(blobPath(image), ({ response }) =>
      response.writeHead(307, { location: place }).end(),
    );
    failed(
      await pull(),
      /redirects to .*, which is not (?:an http or https|a valid) URL; it was not followed/,
      image,
    );
  }
  registry.overrides.set(blobPath(image), ({ response }) =>
    response.writeHead(302, { location: blobPath(image) }).end(),
  );
  failed(await pull(), /redirects too many times/, image);
});

test('a redirect to another host is followed without the password', async () => {
  const image = freshImage();
  const authorizations: (string | undefined)[] = [];
  const elsewhere = createServer(({ headers }, response) => {
    authorizations.push(headers.authorization);
    response.end(image.bytes);
  });
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
  const { port } = elsewhere.address() as AddressInfo;
  const basic = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`;
  registry.overrides.set(MANIFEST, ({ request, response }) => {
    if (request.headers.authorization === basic) return 'honest';
    return response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
  });
  registry.overrides.set(blobPath(image), ({ request, response }) => {
    assert.equal(request.headers.authorization, basic);
    response.writeHead(307, { location: `http://127.0.0.1:${port}/blob` }).end();
  });
  succeeded(await pull('--creds', `${USER}:${PASSWORD}`), image);
  elsewhere.closeAllConnections();
  elsewhere.close();
  assert.deepEqual(authorizations, [undefined]);
});

test('a password that is never accepted is asked for a few times only', async () => {
  const image = freshImage();
  registry.overrides.set(MANIFEST, ({ response }) =>
    response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end(),
  );
  failed(await pull('--creds', 'a:b'), /rejected the user name and password from --creds/, image);
  failed(await pull(), /requires a user name and a password/, image);
  registry.overrides.set(MANIFEST, ({ response }) =>
    response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${registry.host}/token"` }).end(),
  );
  registry.overrides.set('/token', ({ response }) => response.end('{"token":"abc"}'));
  failed(await pull(), /access is denied/, image);
  registry.overrides.set(MANIFEST, ({ response }) =>
    response.writeHead(401, { 'www-authenticate': 'Negotiate' }).end(),
  );
  failed(await pull(), /requires negotiate authentication; foster supports basic and bearer/, image);
  assert.ok(registry.asked.length < 20, registry.asked.join('\n'));
});

test('a token is fetched, and again when it has expired', async () => {
  const image = freshImage();
  let queries: string[] = [];
  let valid = 0;
  const challenge = `Bearer realm="http://${registry.host}/token?x=1",service="a \\"b\\"",scope="repository:app:pull"`;
  const guarded = ({ request, response }: Exchange) => {
    if (request.headers.authorization === `Bearer t${valid}`) return 'honest';
    return response.writeHead(401, { 'www-authenticate': challenge }).end();
  };
  registry.overrides.set(MANIFEST, guarded);
  registry.overrides.set(blobPath(image), (exchange) => {
    if (exchange.count === 0) valid++; // it has just expired
    return guarded(exchange);
  });
  registry.overrides.set('/token', ({ request, response }) => {
    queries = [...queries, `${request.url} ${request.headers.authorization}`];
    response.end(JSON.stringify({ access_token: `t${valid}` }));
  });
  succeeded(await pull('--creds', `${USER}:${PASSWORD}`), image);
  const basic = Buffer.from(`${USER}:${PASSWORD}`).toString('base64');
  const query = `/token?x=1&service=a+%22b%22&scope=repository%3Aapp%3Apull&account=${USER} Basic ${basic}`;
  assert.deepEqual(queries, [query, query]);
});

test('invalid tokens and token servers', async () => {
  const image = freshImage();
  const realm = (place: string) =>
    registry.overrides.set(MANIFEST, ({ response }) =>
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${place}"` }).end(),
    );
  realm('file:///etc/passwd');
  failed(
    await pull(),
    /names the token server file:\/\/\/etc\/passwd, which is not an http or https URL/,
    image,
  );
  realm('http://registry.example.com/token');
  failed(await pull('--creds', 'a:b'), /would not be encrypted; no password was sent there/, image);
  realm(`http://${registry.host}/token`);
  for (const answer of ['{}', '{"token":"a\\r\\nb"}', `{"token":"${'x'.repeat(70_000)}"}`]) {
    registry.overrides.set('/token', ({ response }) => response.end(answer));
    failed(await pull(), /has no token/, image);
  }
  registry.overrides.set('/token', ({ response }) => response.end('nonsense'));
  failed(await pull(), /the response with the token is not JSON/, image);
  registry.overrides.set('/token', ({ response }) => endless(response, () => {}));
  failed(await pull(), /the token of .* is longer than the limit of \d+ bytes/, image);
});

test('requests to a failing registry are retried, but not forever', async () => {
  const image = freshImage();
  registry.overrides.set(MANIFEST, ({ response, count }) => {
    if (count === 2) return 'honest';
    return response.writeHead(count === 0 ? 500 : 429, { 'retry-after': '1' }).end();
  });
  registry.overrides.set(blobPath(image), ({ response, count }) => {
    if (count === 1) return 'honest';
    return count === 0 ? response.destroy() : response.writeHead(503).end();
  });
  const start = Date.now();
  succeeded(await pull(), image);
  assert.ok(Date.now() - start > 2000, 'Retry-After is respected');

  registry.reset();
  registry.overrides.set(MANIFEST, ({ response }) =>
    response.writeHead(500).end('{"errors":[{"message":"on fire"}]}'),
  );
  const result = await pull();
  failed(result, /responded with status 500 \(on fire\); try again later/, freshImage());
  assert.equal(registry.asked.filter((line) => line.includes(MANIFEST)).length, 6);
});

test('manifests that are too large or invalid', async () => {
  const image = freshImage();
  const reply = async (body: object | string, type = 'application/vnd.oci.image.manifest.v1+json') => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    registry.overrides.set(MANIFEST, ({ response }) =>
      response.writeHead(200, { 'content-type': type }).end(text),
    );
    return await pull();
  };
  const size = 100 * 1024 * 1024;
  registry.overrides.set(MANIFEST, ({ response }) =>
    response.writeHead(200, { 'content-length': size }).flushHeaders(),
  );
  failed(await pull(), /the manifest of .* is longer than the limit of 4194304 bytes/, image);
  registry.overrides.set(MANIFEST, ({ response }) => endless(response, () => {}));
  failed(await pull(), /the manifest of .* is longer than the limit of 4194304 bytes/, image);
  failed(await reply('<html>'), /is not JSON/, image);
  failed(await reply('[]'), /is not a JSON object/, image);
  failed(
    await reply({ schemaVersion: 1 }, 'application/vnd.docker.distribution.manifest.v1+prettyjws'),
    /schema 1/,
    image,
  );
  failed(
    await reply({ schemaVersion: 2 }, 'application/x-\u001b[31mred'.replace('\u001b', '')),
    /has the type 'application\/x-/,
    image,
  );
  const digest = `sha256:${'a'.repeat(64)}`;
  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: 2 };
  const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest, size: 2 };
  const broken: [object, RegExp][] = [
    [{ layers: [layer] }, /a descriptor is missing/],
    [{ config }, /its manifest has no layers/],
    [{ config, layers: [{ ...layer, size: -1 }] }, /has no valid size/],
    [{ config, layers: [{ ...layer, size: 1e300 }] }, /has no valid size/],
    [
      { config, layers: [{ ...layer, digest: 'sha256:../../../etc/passwd' }] },
      /the digest '.*'; foster supports sha256/,
    ],
    [{ config, layers: [{ ...layer, mediaType: 'text/html' }] }, /a layer has the type 'text\/html'/],
    [{ config, layers: Array(1001).fill(layer) }, /1001 layers/],
    [{ config, layers: [], manifests: [] }, /both a manifest and an index/],
    [{ config: { ...config, size: 1e9 }, layers: [] }, /the config of .* is too large/],
    [
      { config: { ...config, mediaType: 'application/vnd.cncf.helm.config.v1+json' }, layers: [] },
      /is not a container image: its config has the type/,
    ],
  ];
  for (const [document, message] of broken)
    failed(await reply({ schemaVersion: 2, ...document }), message, image);
});

test('a config that does not match its manifest', async () => {
  const image = freshImage();
  const pullWith = async (document: object) => {
    const config = layout.json(document, 'application/vnd.oci.image.config.v1+json');
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    layout.names.set(
      '1',
      layout.json({ schemaVersion: 2, mediaType, config, layers: [image.layer] }, mediaType),
    );
    return await pull();
  };
  const invalid = async (document: object, message: RegExp) => {
    const { status, stderr } = await pullWith(document);
    assert.match(stderr, message);
    assert.equal(status, 125);
  };
  await invalid({}, /its config has no platform/);
  await invalid({ os: 'linux', architecture: 'amd64' }, /does not list the layers/);
  await invalid(
    { os: 'linux', architecture: 'amd64', rootfs: { diff_ids: [] } },
    /it has 1 layers, and its config lists 0/,
  );
});

test('a failed layer aborts the others', async () => {
  const slow = freshImage();
  const members = [{ name: 'other', content: 'other' }];
  const bad = layout.image({ layers: [{ members }] }).layers[0];
  assert.ok(bad);
  const { os, architecture } = OWN;
  const diffs = [slow.layer.digest, slow.layer.digest];
  const config = layout.json({ os, architecture, rootfs: { diff_ids: diffs } }, slow.config.mediaType);
  const { mediaType } = slow.manifest;
  layout.names.set(
    '1',
    layout.json({ schemaVersion: 2, mediaType, config, layers: [slow.layer, bad] }, mediaType),
  );
  registry.overrides.set(blobPath(slow), () => {}); // never answers
  let refused = 0;
  registry.overrides.set(`/v2/app/blobs/${bad.digest}`, ({ response }) => {
    refused = Date.now();
    return response.writeHead(404).end();
  });
  failed(await pull(), /cannot get .* of app: 127.* does not have it/, slow);
  assert.ok(Date.now() - refused < 30_000, 'it waited until the silence was too long');
});

test('the list of tags has pages, and is validated', async () => {
  const image = freshImage();
  const list = (tags: unknown, link?: string) => {
    registry.overrides.set('/v2/app/tags/list', ({ request, response }) => {
      const isFirst = !request.url?.includes('last=');
      if (isFirst && link !== undefined) response.setHeader('link', link);
      return response.end(JSON.stringify({ tags: isFirst ? tags : ['1'] }));
    });
  };
  const pullAll = () => foster(home, ['pull', '-a', `${registry.host}/app`]);
  registry.overrides.set('/v2/app/manifests/0', ({ response }) =>
    response.end(layout.blobs.get(image.manifest.digest)),
  );
  list(['0'], '</v2/app/tags/list?n=1&last=0>; rel="next"');
  succeeded(await pullAll(), image);
  assert.ok(registry.asked.some((line) => line.startsWith('GET /v2/app/manifests/1')));
  const other = freshImage();
  for (const tags of [['../x'], [1, {}], 'x', { a: 1 }]) {
    list(tags);
    failed(await pullAll(), /the list of tags of .* is not valid/, other);
  }
  list(null);
  failed(await pullAll(), /has no tags/, other);
  list(['0'], '<http://localhost:1/elsewhere?last=0>; rel="next"');
  await pullAll();
  assert.ok(!registry.asked.some((line) => line.includes('elsewhere')));
});

test('a silent connection times out', async () => {
  const image = freshImage();
  const { pullImage } = await import('../../src/image/registry/pull.js');
  const { parseReference } = await import('../../src/image/store/reference.js');
  registry.overrides.set(blobPath(image), ({ response }) => {
    response.writeHead(200, { 'content-length': image.bytes.length }).write('x');
  });
  process.env.XDG_DATA_HOME = join(home.folder, 'data');
  process.env.HOME = home.folder;
  const reference = parseReference(`${registry.host}/app:1`);
  await assert.rejects(
    pullImage(reference, { tlsVerify: true, idleTimeout: 300 }),
    /no data from|was closed|cannot connect/,
  );
});
