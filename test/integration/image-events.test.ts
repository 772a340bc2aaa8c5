import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { dockerArchive, ImagesHome } from './support/image-archive.js';
import { DebianRegistry, foster } from './support/registry.js';

/** What foster events says of images. */
const home = new ImagesHome();
const registry = await DebianRegistry.start(home.path('registry'));
after(() => registry.stop());

home.load(dockerArchive({ names: ['app:1'], layers: [[{ name: 'file', content: 'x' }]] }));

async function ok(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await foster(home, args);
  assert.equal(status, 0, `${args.join(' ')}: ${stderr}`);
  return stdout;
}

const events = async (...filters: string[]) => {
  const flags = ['--stream=false', '-f', 'type=image', '--format', '{{.Action}} {{.Actor.Attributes.name}}'];
  const text = await ok('events', ...flags, ...filters.flatMap((filter) => ['-f', filter]));
  return text.split('\n').filter(Boolean);
};

test('the life of an image', async () => {
  const name = `${registry.host}/app:1`;
  const id = (await ok('images', '-q', '--no-trunc', 'app:1')).trim();
  await ok('tag', 'app:1', name, 'app:2');
  await ok('push', '-q', name);
  await ok('untag', 'app:1', 'app:2');
  await ok('save', '-o', home.path('saved.tar'), 'app:1');
  await ok('rmi', name);
  await ok('pull', '-q', name);
  await ok('rmi', '-f', id);
  // a pull that a command needs
  await ok('create', '--name', 'uses', name, 'sh');
  await ok('rm', 'uses');
  assert.deepEqual(await events(), [
    'load app:1',
    `tag ${name}`,
    'tag app:2',
    `push ${name}`,
    'untag app:2',
    'save app:1',
    `untag ${name}`,
    `pull ${name}`,
    'untag app:1',
    `untag ${name}`,
    `delete ${id}`,
    `pull ${name}`,
  ]);
  assert.deepEqual(await events('event=remove'), [`delete ${id}`], "Podman's word");
  assert.equal((await events(`image=${id}`)).length, 12);
  assert.deepEqual(await events('image=docker.io/library/app:2'), ['tag app:2', 'untag app:2']);
  const [last = ''] = (await ok('events', '--stream=false', '-f', 'event=delete')).split('\n');
  assert.equal(last.split(' ').slice(1).join(' '), `image delete ${id} (name=${id})`);
});
