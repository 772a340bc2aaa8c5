/** A Compose file of ten services, up and down, compared with podman-compose. */
import { join } from 'node:path';
import { median, output, ratio, run } from './bench.mjs';

const ROUNDS = 5;
const SERVICES = 10;
export const IMAGE = 'localhost/bench-compose';

/** Ten services, of which all but the first need the first. @param network lines for each of them */
function composeFile(network) {
  const services = Array.from({ length: SERVICES }, (_, index) =>
    [
      `  s${index}:`,
      `    image: ${IMAGE}`,
      '    command: sleep 1000',
      '    init: true', // otherwise podman's containers ignore SIGTERM
      ...(index === 0 ? [] : ['    depends_on: [s0]']),
      ...network.map((line) => `    ${line}`),
    ].join('\n'),
  );
  return `services:\n${services.join('\n')}\n`;
}

/** Seconds. */
function timed(bench, argv, cwd) {
  const began = process.hrtime.bigint();
  output(bench, argv, { cwd });
  return Number(process.hrtime.bigint() - began) / 1e9;
}

function contestants(bench) {
  const podman = ['podman-compose', '--podman-run-args=--cgroups=disabled --runtime=crun --log-driver=none'];
  return [
    { name: 'foster compose', argv: [bench.foster, 'compose'] },
    { name: 'podman-compose', argv: podman },
  ];
}

function measureOne(bench, title, network) {
  const folder = join(bench.work, 'scratch', `compose-${title.replaceAll(' ', '-')}`);
  output(bench, ['mkdir', '-p', folder]);
  writeAsUser(bench, join(folder, 'compose.yaml'), composeFile(network));
  const notes = [];
  const rows = [];
  let base;
  const results = contestants(bench).map((one) => ({ ...one, up: [], down: [] }));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const one of results) {
      if (one.hasFailed) continue;
      try {
        const [up, down] = [
          timed(bench, [...one.argv, 'up', '-d'], folder),
          timed(bench, [...one.argv, 'down'], folder),
        ];
        if (round === 0) continue; // the first makes what later ones find
        one.up.push(up);
        one.down.push(down);
      } catch (error) {
        one.hasFailed = true;
        notes.push(`${one.name} was omitted: ${error.message.trim().split('\n').at(-1)}`);
        run(bench, [...one.argv, 'down'], { cwd: folder });
      }
    }
  }
  for (const { name, up, down } of results.filter((one) => one.up.length > 0)) {
    const [middleUp, middleDown] = [median(up), median(down)];
    base ??= { up: middleUp, down: middleDown };
    rows.push([
      name,
      middleUp.toFixed(2),
      ratio(middleUp, base.up),
      middleDown.toFixed(2),
      ratio(middleDown, base.down),
    ]);
  }
  return { title, rows, notes };
}

function writeAsUser(bench, path, content) {
  output(bench, ['sh', '-c', 'cat > "$1"', 'sh', path], { input: content });
}

/** Yields the tables one by one. */
export function* measure(bench) {
  const folder = join(bench.work, 'scratch', 'compose-image');
  output(bench, ['mkdir', '-p', folder]);
  loadImage(bench, folder);
  for (const [title, network] of [
    ['without a network', ['network_mode: none']],
    ['in the default network of the project', []],
  ]) {
    const table = measureOne(bench, title, network);
    yield {
      ...table,
      title: `Compose: ${SERVICES} services ${title}`,
      text:
        `\`up -d\` and \`down\` of a file with ${SERVICES} services, of which all but the first need the first. Medians of ${ROUNDS}, in turn; podman with\n` +
        'crun, without cgroups and logs.',
      head: ['', 'up, s', 'to foster', 'down, s', 'to foster'],
    };
  }
}

/** The same image for both. */
export function loadImage(bench, folder) {
  writeAsUser(bench, join(folder, 'Dockerfile'), 'FROM localhost/foster/busybox\n');
  const archive = join(folder, 'image.tar');
  output(bench, [bench.foster, 'build', '-q', '-t', IMAGE, folder]);
  output(bench, [bench.foster, 'save', '-q', '-o', archive, IMAGE]);
  output(bench, ['podman', 'load', '-q', '-i', archive]);
}
