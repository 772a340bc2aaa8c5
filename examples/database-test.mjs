/**
 * A test that starts a database: a server in a container of its own, ready before the test begins, gone afterwards.
 *
 *     node examples/database-test.mjs
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Foster } from 'foster';

const foster = new Foster();

/** Stands for a database: it takes lines `set NAME VALUE` and `get NAME`, and needs a moment until it is ready. */
const SERVER = `
  mkdir /data
  sleep 0.3
  echo ready
  mkfifo /requests
  exec 3<>/requests
  while read -r verb name value <&3; do
    case $verb in
      set) echo "$value" > "/data/$name" ;;
    esac
  done
`;

/** The container. */
let database = '';

before(async () => {
  database = await foster.create({
    root: 'busybox',
    command: ['sh', '-c', SERVER],
    labels: { for: 'tests' },
  });
  await foster.start(database);
  const signal = AbortSignal.timeout(60_000);
  for await (const { data } of foster.logs(database, { follow: true, signal })) {
    if (data.toString().includes('ready')) return;
  }
  throw new Error('the database has ended');
});

after(async () => await foster.remove(database, { force: true }));

test('what was written can be read', async () => {
  const write = 'until [ -p /requests ]; do sleep 0.1; done; echo set answer 42 > /requests';
  assert.equal((await foster.exec(database, { command: ['sh', '-c', write] })).exitCode, 0);
  const read = 'until cat /data/answer; do sleep 0.1; done 2>/dev/null';
  const { stdout } = await foster.exec(database, { command: ['sh', '-c', read], timeout: 60_000 });
  assert.equal(stdout, '42\n');
});
