/** The throughput of networks, and of their name servers. */
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { asUser, median, output, ratio, run } from './bench.mjs';
import { SLEEP, started } from './network-peers.mjs';

const ROUNDS = 3;
const SECONDS = 3;

async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

function hostAddress() {
  const all = Object.values(networkInterfaces()).flat();
  const found = all.find(
    ({ family, internal, address }) => family === 'IPv4' && !internal && !/^10\.8\d\./.test(address),
  );
  if (found === undefined) throw new Error('this machine has only a loopback address');
  return found.address;
}

/** The result of iperf3 in Gbit/s. Tries again if the server has not started yet; iperf3's exit code is then 0, too. */
async function speed(bench, argv) {
  for (let attempt = 0; ; attempt++) {
    const { status, stdout, stderr } = run(bench, argv);
    const { sum_received: sum } = status === 0 ? JSON.parse(stdout).end : {};
    if (sum !== undefined) return sum.bits_per_second / 1e9;
    if (attempt === 20) throw new Error(`${argv.join(' ')}: ${stdout.slice(-300)} ${stderr}`);
    await sleep(250);
  }
}

const client = (host, port) => ['iperf3', '-J', '-t', String(SECONDS), '-c', host, '-p', String(port)];
const server = (port) => ['iperf3', '-s', '-p', String(port)];

async function withHostServer(bench, act) {
  const port = await freePort();
  const [program, ...args] = asUser(bench, server(port));
  const child = spawn(program, args, { stdio: 'ignore' });
  try {
    return await act(port);
  } finally {
    child.kill('SIGKILL');
  }
}

const toHost = (bench, runner) =>
  withHostServer(bench, (port) => speed(bench, runner.argv(['--rm'], client(hostAddress(), port))));

async function fromHost(bench, runner) {
  const port = await freePort();
  const remove = started(bench, runner, 'bench-server', ['-p', `${port}:5201`], server(5201));
  try {
    return await speed(bench, client(hostAddress(), port));
  } finally {
    remove();
  }
}

async function between(bench, runner) {
  const remove = started(bench, runner, 'target', [], server(5201));
  try {
    return await speed(bench, runner.argv(['--rm'], client('target', 5201)));
  } finally {
    remove();
  }
}

/** The same with only a pair of interfaces. */
const VETH = `ip link set lo up
unshare --net sleep 60 & other=$!
while [ "$(readlink /proc/self/ns/net)" = "$(readlink /proc/$other/ns/net)" ]; do sleep 0.05; done
ip link add name near mtu 65520 type veth peer name far netns $other
ip address add 10.9.9.1/24 dev near && ip link set dev near up
nsenter --net --target $other sh -c 'ip address add 10.9.9.2/24 dev far && ip link set dev far mtu 65520 up && exec iperf3 -s -p 5201 > /dev/null' &
server=$!
for attempt in $(seq 20); do
  iperf3 -J -t ${SECONDS} -c 10.9.9.2 > veth.json && grep -q sum_received veth.json && break
  sleep 0.2
done
cat veth.json
kill $server $other`;

/** Connections without a container. */
const BARE = {
  veth: {
    name: 'a bare veth(4)',
    measure: (bench) => speed(bench, ['unshare', '--user', '--map-root-user', '--net', 'bash', '-c', VETH]),
  },
  pasta: {
    name: 'pasta alone',
    measure: async (bench) => {
      const flags = [
        '--quiet',
        '--config-net',
        '--mtu',
        '65520',
        '--address',
        '169.254.249.2',
        '--netmask',
        '24',
      ];
      const gateway = '169.254.249.1';
      return await withHostServer(bench, (port) =>
        speed(bench, ['pasta', ...flags, '--gateway', gateway, '--', ...client(gateway, port)]),
      );
    },
  },
};

export async function throughputTable(bench, all) {
  const ways = [
    ['container to host', toHost, [...all.filter(({ hasNames }) => !hasNames), BARE.pasta]],
    ['host to a published port', fromHost, all],
    ['container to container', between, [...all.filter(({ hasNames }) => hasNames), BARE.veth]],
  ];
  const rows = [];
  const notes = [];
  for (const [way, measureIt, contestants] of ways) {
    const results = contestants.map(() => []);
    for (let round = 0; round < ROUNDS; round++)
      for (const [index, runner] of contestants.entries()) {
        try {
          results[index]?.push(await (runner.measure?.(bench) ?? measureIt(bench, runner)));
        } catch (error) {
          notes.push(`${way}, ${runner.name}: ${error.message.split('\n')[0]}`);
          results[index] = undefined;
        }
      }
    const base = results[0] && median(results[0]);
    for (const [index, { name }] of contestants.entries())
      if (results[index])
        rows.push([
          `${way}: ${name}`,
          median(results[index]).toFixed(2),
          base === undefined ? '' : ratio(median(results[index]), base),
        ]);
  }
  return {
    title: 'Networks: throughput',
    text: `iperf3, one TCP connection for ${SECONDS} s; median of ${ROUNDS}, in turn.`,
    head: ['', 'Gbit/s', 'to foster'],
    rows,
    notes: [...new Set(notes)],
  };
}

/** The number of queries per second for the address of another container. */
function queries(bench, runner) {
  const script = `server=$(sed -n 's/^nameserver //p' /etc/resolv.conf | head -n 1)
exec dnsperf -s "$server" -d "$1" -l ${SECONDS}`;
  const text = output(bench, runner.argv(['--rm'], ['sh', '-c', script, 'sh', runner.names]));
  if (!/NOERROR \d+ \(100\.00%\)/.test(text)) throw new Error(/Response codes:.*/.exec(text)?.[0] ?? text);
  return Number(/Queries per second:\s+([\d.]+)/.exec(text)?.[1]);
}

export function namesTable(bench, all) {
  const rows = [];
  const notes = [];
  let base;
  for (const runner of all.filter(({ hasNames }) => hasNames)) {
    const remove = started(bench, runner, 'target', [], SLEEP);
    try {
      const found = median(Array.from({ length: ROUNDS }, () => queries(bench, runner)));
      base ??= found;
      rows.push([runner.name, found.toFixed(0), ratio(found, base)]);
    } catch (error) {
      notes.push(`${runner.name} was omitted: ${error.message}`);
    } finally {
      remove();
    }
  }
  return {
    title: 'Networks: names',
    text: `DNS queries per second for the name of another container: dnsperf in a container, ${SECONDS} s; median of ${ROUNDS}. foster starts\ndnsmasq, and podman aardvark-dns.`,
    head: ['', 'queries/s', 'to foster'],
    rows,
    notes,
  };
}
