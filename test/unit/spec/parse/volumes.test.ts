import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMount } from '../../../../src/spec/parse/mount.js';
import { checkDuplicateMounts, parseTmpfs, parseVolume } from '../../../../src/spec/parse/volumes.js';
import type { RequestedMount } from '../../../../src/spec/request.js';

const context = { cwd: '/home/me', exists: (path: string) => !path.includes('missing') };
const bind = (source: string, destination: string, options: string[]) => ({
  destination,
  type: 'bind',
  source,
  options,
});
const volume = (destination: string, options: string[]) => ({
  destination,
  type: 'volume',
  source: '',
  options: ['rbind', 'rprivate', ...options],
});
const named = (source: string, destination: string, options: string[]) => ({
  ...volume(destination, options),
  source,
});
const tmpfs = (destination: string, options: string[]) => ({
  destination,
  type: 'tmpfs',
  source: 'tmpfs',
  options,
});

test('-v', async (t) => {
  const cases: [string, RequestedMount][] = [
    ['/a:/b', bind('/a', '/b', ['rbind', 'rprivate'])],
    ['./a:/b', bind('/home/me/a', '/b', ['rbind', 'rprivate'])],
    ['.:/b', bind('/home/me', '/b', ['rbind', 'rprivate'])],
    ['..:/b/', bind('/home', '/b', ['rbind', 'rprivate'])],
    ['a/b:/x/../y', bind('/home/me/a/b', '/y', ['rbind', 'rprivate'])],
    ['/a:/b:ro', bind('/a', '/b', ['rbind', 'rprivate', 'ro'])],
    ['/a:/b:rw', bind('/a', '/b', ['rbind', 'rprivate'])],
    ['/a:/b:exec', bind('/a', '/b', ['rbind', 'rprivate', 'exec'])],
    ['/a:/b:', bind('/a', '/b', ['rbind', 'rprivate'])],
    ['/a:/b:z', bind('/a', '/b', ['rbind', 'rprivate'])],
    ['/a:/b:Z,ro,cached', bind('/a', '/b', ['rbind', 'rprivate', 'ro'])],
    ['/a:/b:bind,rslave', bind('/a', '/b', ['bind', 'rslave'])],
    ['/a', volume('/a', [])],
    ['/a/../b', volume('/b', [])],
    ['data:/b', named('data', '/b', [])],
    ['a.B_c-1:/b:z,ro', named('a.B_c-1', '/b', ['ro'])],
    ['data:/b:nocopy', { ...named('data', '/b', []), volume: { noCopy: true } }],
    ['data:/b:U,nosuid', { ...named('data', '/b', ['nosuid']), volume: { chowns: true } }],
    ['/a:/b:nocopy', bind('/a', '/b', ['rbind', 'rprivate'])],
    ['/a:/b:nosuid,nodev,noexec', bind('/a', '/b', ['rbind', 'rprivate', 'nosuid', 'nodev', 'noexec'])],
  ];
  for (const [value, expected] of cases) {
    await t.test(value, () => assert.deepEqual(parseVolume(value, context), expected));
  }
});

test('idmap is a word about the mount, not an option of it', () => {
  for (const mount of [
    parseVolume('/a:/b:idmap', context),
    parseMount('type=bind,src=/a,dst=/b,idmap', context),
    parseMount('type=bind,src=/a,dst=/b,idmap=true', context),
  ]) {
    assert.equal(mount.isIdmapped, true);
    assert.deepEqual(mount.options, ['rbind', 'rprivate']);
  }
  assert.equal(parseMount('type=bind,src=/a,dst=/b,idmap=false', context).isIdmapped, undefined);
  assert.deepEqual(parseVolume('data:/b:ro,idmap', context).volume, { isIdmapped: true });
  assert.deepEqual(parseMount('src=data,dst=/b,idmap', context).volume, { isIdmapped: true });
});

test('invalid -v', async (t) => {
  const cases: [string, RegExp][] = [
    ['a', /'a' is not an absolute path/],
    ['/', /the destination cannot be '\/'/],
    [':/b', /expected SOURCE:DESTINATION/],
    ['/a:', /expected SOURCE:DESTINATION/],
    ['/a:/b:ro:x', /use --mount for paths with a colon/],
    ['-data:/b', /the name of a volume has up to 255 letters/],
    [`${'a'.repeat(256)}:/b`, /the name of a volume has up to 255 letters/],
    ['data:b', /'b' is not an absolute path/],
    ['data:/b:O', /O is not supported yet/],
    ['data:/b:idmap=uids=0-1-10', /maps of idmap are not supported yet: /],
    ['data:/b:idmap,U', /idmap and U cannot be used together/],
    ['data:/b:copy,nocopy', /copy and nocopy cannot be used together/],
    ['/missing:/b', /\/missing does not exist/],
    ['./missing:/b', /\/home\/me\/missing does not exist/],
    ['/a:b', /'b' is not an absolute path/],
    ['/a:/', /the destination cannot be '\/'/],
    ['/a:/b/..', /the destination cannot be '\/'/],
    ['/a:/b:rp', /unknown option 'rp'/],
    ['/a:/b:ro,rw', /ro and rw cannot be used together/],
    ['/a:/b:shared,slave', /shared and slave cannot be used together/],
    ['/a:/b:ro,', /unknown option ''/],
    ['/a:/b:U', /U is not supported yet: the owners of files on the host are left as they are/],
    ['/a:/b:O', /O is not supported yet: what is written goes to the mounted files/],
    ['/a:/b:O,upperdir=/c', /O is not supported yet/],
    ['/a:/b:idmap=gids=0-1-10', /maps of idmap are not supported yet: /],
  ];
  for (const [value, expected] of cases) {
    await t.test(value, () => {
      assert.throws(
        () => parseVolume(value, context),
        (error: { sentence: string; exitCode: number }) => {
          assert.match(error.sentence, /^--volume '/);
          assert.match(error.sentence, expected);
          assert.equal(error.exitCode, 125);
          return true;
        },
      );
    });
  }
});

test('--mount', async (t) => {
  const cases: [string, RequestedMount][] = [
    ['type=bind,source=/a,destination=/b', bind('/a', '/b', ['rbind', 'rprivate'])],
    ['type=bind,src=./a,dst=/b,readonly', bind('/home/me/a', '/b', ['rbind', 'rprivate', 'ro'])],
    ['type=bind,src=/a,target=/b,ro=true', bind('/a', '/b', ['rbind', 'rprivate', 'ro'])],
    ['type=bind,src=/a,target=/b,ro=false', bind('/a', '/b', ['rbind', 'rprivate'])],
    ['type=bind,src=/a,dst=/b,bind-propagation=rshared', bind('/a', '/b', ['rbind', 'rshared'])],
    ['type=bind,src=/a,dst=/b,bind-recursive=disabled', bind('/a', '/b', ['bind', 'rprivate'])],
    ['type=bind,src=/a,dst=/b,bind-nonrecursive', bind('/a', '/b', ['bind', 'rprivate'])],
    ['type=bind,"src=/a,b:c",dst=/b', bind('/a,b:c', '/b', ['rbind', 'rprivate'])],
    ['type=bind,src=/a,dst=/b,relabel=shared,U=false', bind('/a', '/b', ['rbind', 'rprivate'])],
    ['type=bind,src=/a,dst=/b,rw=false', bind('/a', '/b', ['rbind', 'rprivate', 'ro'])],
    ['type=bind,src=/a,dst=/b,rw', bind('/a', '/b', ['rbind', 'rprivate'])],
    [
      'type=bind,src=/a,dst=/b,bind-subpath=x//./y',
      { ...bind('/a/x/y', '/b', ['rbind', 'rprivate']), beneath: { top: '/a', path: 'x/y' } },
    ],
    ['src=data,dst=/b', named('data', '/b', [])],
    ['type=volume,src=data,dst=/b,ro', named('data', '/b', ['ro'])],
    ['type=volume,dst=/b,volume-nocopy', { ...volume('/b', []), volume: { noCopy: true } }],
    [
      'type=volume,src=data,dst=/b,volume-subpath=./x//y/',
      { ...named('data', '/b', []), volume: { subpath: 'x/y' } },
    ],
    [
      'type=volume,src=data,dst=/b,volume-driver=local,volume-opt=type=tmpfs,volume-opt=o=size=1m,volume-label=a=b',
      {
        ...named('data', '/b', []),
        volume: { labels: { a: 'b' }, options: { type: 'tmpfs', o: 'size=1m' } },
      },
    ],
    ['type=tmpfs,dst=/t,notmpcopyup', tmpfs('/t', ['nosuid', 'nodev', 'noexec'])],
    [
      'type=devpts,dst=/b,uid=1,gid=5,mode=620,max=9',
      {
        destination: '/b',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'uid=1', 'gid=5', 'mode=620', 'max=9'],
      },
    ],
    ['type=tmpfs,dst=/t', tmpfs('/t', ['nosuid', 'nodev', 'noexec'])],
    [
      'type=tmpfs,dst=/t,tmpfs-size=64m,tmpfs-mode=1770,ro',
      tmpfs('/t', ['nosuid', 'nodev', 'noexec', 'ro', 'size=67108864', 'mode=1770']),
    ],
  ];
  for (const [value, expected] of cases) {
    await t.test(value, () => assert.deepEqual(parseMount(value, context), expected));
  }
});

test('invalid --mount', async (t) => {
  const cases: [string, RegExp][] = [
    ['', /unknown field ''/],
    ['src=/a,dst=/b', /the name of a volume has up to 255 letters/],
    ['type=volume,src=../a,dst=/b', /the name of a volume has up to 255 letters/],
    ['type=volume,src=a,dst=/b,volume-subpath=x/../y', /volume-subpath is a relative path .* without \.\./],
    ['type=volume,src=a,dst=/b,volume-subpath=/x', /volume-subpath is a relative path/],
    ['type=volume,src=a,dst=/b,volume-subpath=.', /volume-subpath is a relative path/],
    ['type=bind,src=/a,dst=/b,bind-subpath=../y', /bind-subpath is a relative path in the source, without/],
    ['type=bind,src=/a,dst=/b,idmap,bind-subpath=x', /bind-subpath and idmap cannot be used together/],
    ['type=volume,src=a,dst=/b,bind-subpath=x', /bind-subpath cannot be used with type=volume/],
    ['type=volume,src=a,dst=/b,volume-driver=nfs', /is not supported yet: volumes are folders/],
    ['type=volume,src=a,dst=/b,volume-label==x', /volume-label is KEY=VALUE/],
    ['type=volume,src=a,dst=/b,volume-nocopy=x', /expected true or false/],
    ['type=bind,src=/a,dst=/b,volume-nocopy', /volume-nocopy cannot be used with type=bind/],
    ['type=volume,dst=/b,tmpfs-size=1m', /tmpfs-size cannot be used with type=volume/],
    ['type=npipe,dst=/b', /is not supported yet: named pipes of Windows/],
    ['type=image,src=x,dst=/b', /is not supported yet: the files of other images/],
    ['type=glob,src=/a*,dst=/b', /is not supported yet: .*one --mount for each file/],
    ['type=nonsense,dst=/b', /expected a mount of type bind, tmpfs, volume or devpts/],
    ['type=bind,src=/a,dst=/b,U=true', /U is not supported yet: the owners of files/],
    ['type=bind,src=/a,dst=/b,idmap=uids=0-1-10', /maps of idmap are not supported yet: /],
    ['type=tmpfs,dst=/b,idmap', /idmap cannot be used with type=tmpfs/],
    ['type=volume,src=a,dst=/b,idmap,U', /U and idmap cannot be used together/],
    ['type=volume,src=a,dst=/b,idmap,volume-subpath=x', /volume-subpath and idmap cannot be used together/],
    ['type=bind,src=/a,dst=/b,relabel=x', /relabel is shared or private/],
    ['type=tmpfs,dst=/b,tmpcopyup', /tmpcopyup is not supported yet: a tmpfs starts empty/],
    ['type=devpts,dst=/b,mode=9', /mode is an octal mode/],
    ['type=devpts,src=/a,dst=/b', /a devpts has no source/],
    ['type=bind,src=/a,dst=/b,uid=1', /uid cannot be used with type=bind/],
    ['type=bind,dst=/b', /the source is missing/],
    ['type=bind,src=/a', /the destination is missing/],
    ['type=bind,src=/a,dst=b', /not an absolute path/],
    ['type=bind,src=/missing,dst=/b', /\/missing does not exist/],
    ['type=bind,src=/a,dst=/b,readonly=perhaps', /expected true or false/],
    ['type=bind,src=/a,source=/c,dst=/b', /source is given twice/],
    ['type=bind,src=/a,dst=/b,size=3', /unknown field 'size'/],
    ['type=bind,src,dst=/b', /src needs a value/],
    ['type=bind,src=/a,dst=/b,tmpfs-size=1m', /tmpfs-size cannot be used with type=bind/],
    ['type=tmpfs,src=/a,dst=/b', /a tmpfs has no source/],
    ['type=tmpfs,dst=/b,tmpfs-mode=9', /octal/],
    ['type=tmpfs,dst=/b,tmpfs-size=big', /expected a size/],
    ['type=tmpfs,dst=/b,bind-propagation=slave', /cannot be used with type=tmpfs/],
    ['type=bind,src=/a,dst=/b,bind-propagation=up', /bind-propagation is one of/],
    ['type=bind,"src=/a,dst=/b', /the quotes are not balanced/],
  ];
  for (const [value, expected] of cases) {
    await t.test(value, () =>
      assert.throws(() => parseMount(value, context), { name: 'FosterError', sentence: expected }),
    );
  }
});

test('--tmpfs', async (t) => {
  const cases: [string, RequestedMount][] = [
    ['/t', tmpfs('/t', ['nosuid', 'nodev', 'noexec'])],
    ['/t:', tmpfs('/t', ['nosuid', 'nodev', 'noexec'])],
    ['/t:exec,size=64m,mode=1777', tmpfs('/t', ['nosuid', 'nodev', 'exec', 'size=64m', 'mode=1777'])],
    ['/t:noexec,size=50%', tmpfs('/t', ['nosuid', 'nodev', 'noexec', 'size=50%'])],
  ];
  for (const [value, expected] of cases) {
    await t.test(value, () => assert.deepEqual(parseTmpfs(value), expected));
  }
  const wrong: [string, RegExp][] = [
    ['t', /not an absolute path/],
    ['/', /cannot be '\/'/],
    ['/t:size', /unknown option 'size'/],
    ['/t:size=x', /'x' is not a valid size/],
    ['/t:mode=8', /'8' is not a valid mode/],
    ['/t:colour=1', /unknown option 'colour'/],
    ['/t:constructor=1', /unknown option 'constructor'/],
    ['/t:ro,rw', /cannot be used together/],
  ];
  for (const [value, expected] of wrong) {
    await t.test(value, () =>
      assert.throws(() => parseTmpfs(value), { name: 'FosterError', message: expected }),
    );
  }
});

test('two mounts at one destination are refused', () => {
  const one = parseVolume('/a:/x/', context);
  assert.throws(() => checkDuplicateMounts([one, parseTmpfs('/x')]), {
    message: 'duplicate mount point: /x',
  });
  checkDuplicateMounts([one, parseTmpfs('/x/y')]);
});
