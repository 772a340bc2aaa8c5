// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of Compose files
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { ComposeProject } from '../support/compose.js';
import { fetched } from '../support/http.js';
import { blogManifest } from '../support/kube-blog.js';
import { freePorts } from '../support/ports.js';
import { waitUntil } from '../support/wait.js';
import { containers, home, imageBuilt, mirror } from './image.js';

/** Applications as people describe them in Compose files. */
let port: number;

before(
  async () => {
    port = await freePorts(2);
    blog.write({ '.env': `PORT=${port}\nSOURCE=${mirror.source}\n` });
    await imageBuilt();
    const build = blog.begin(['build', '--quiet', 'programs']);
    const { status, stderr } = await build.ended;
    assert.equal(status, 0, stderr);
  },
  { timeout: 1_800_000 },
);

/** What an image of WordPress, and one of MariaDB, do at their start. */
const START_DATABASE = `set -e
if [ ! -d /var/lib/mysql/blog ]; then
  [ -d /var/lib/mysql/mysql ] || mariadb-install-db --user=mysql > /dev/null
  printf "CREATE DATABASE blog;\\nCREATE USER 'blog'@'%%' IDENTIFIED BY '%s';\\nGRANT ALL ON blog.* TO 'blog'@'%%';\\n" \\
    "$(cat /run/secrets/db_password)" > /tmp/init.sql
  chown mysql /tmp/init.sql
fi
exec mariadbd --user=mysql --bind-address=0.0.0.0 --skip-name-resolve $([ -e /tmp/init.sql ] && echo --init-file=/tmp/init.sql)
`;

/** Counts its visits. */
const PAGE = `<?php
$db = new mysqli(getenv('DB_HOST'), 'blog', trim(file_get_contents('/run/secrets/db_password')), 'blog');
$db->query('CREATE TABLE IF NOT EXISTS visits (id INT AUTO_INCREMENT PRIMARY KEY)');
$db->query('INSERT INTO visits VALUES ()');
echo 'visit ' . $db->query('SELECT COUNT(*) FROM visits')->fetch_row()[0];
`;

const blog = new ComposeProject(home, 'blog', {
  'compose.yaml': `
x-image: &image
  image: localhost/blog-programs
services:
  programs:
    <<: *image
    profiles: [build]
    build:
      args: [SOURCE]
      dockerfile_inline: |
        FROM localhost/programs
        ARG SOURCE
        RUN grep -xF "$$SOURCE" /etc/apt/sources.list \\
         && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends php-fpm php-mysql mariadb-server
  db:
    <<: *image
    command: sh /start.sh
    volumes: ["db:/var/lib/mysql"]
    configs: [{source: start, target: /start.sh}]
    secrets: [db_password]
    healthcheck:
      test: [CMD-SHELL, "mariadb-admin -h 127.0.0.1 -u blog -p\\"$$(cat /run/secrets/db_password)\\" ping"]
      interval: 500ms
      start_period: 20m
      start_interval: 500ms
    stop_signal: SIGTERM
    stop_grace_period: 1m
  php:
    <<: *image
    command: ["php-fpm8.2", "--nodaemonize", "--allow-to-run-as-root", "--fpm-config", "/fpm.conf"]
    configs: [{source: fpm, target: /fpm.conf}]
    secrets: [{source: db_password, mode: 0440, gid: "33"}]
    environment: {DB_HOST: db}
    volumes: ["./site:/srv:ro"]
    depends_on: {db: {condition: service_healthy, restart: true}}
    healthcheck: {test: "grep -q ':2328 ' /proc/net/tcp /proc/net/tcp6", interval: 200ms, retries: 1000}
  nginx:
    <<: *image
    command: nginx -g "daemon off;"
    configs: [{source: nginx, target: /etc/nginx/conf.d/default.conf}]
    volumes: ["./site:/srv:ro"]
    tmpfs: [/etc/nginx/sites-enabled]
    ports: ["127.0.0.1:\${PORT:?}:80"]
    depends_on: {php: {condition: service_healthy}}
volumes: {db: {}}
secrets: {db_password: {environment: DB_PASSWORD}}
configs:
  start: {file: ./start.sh}
  fpm:
    content: |
      [global]
      error_log = /proc/self/fd/2
      [www]
      user = www-data
      group = www-data
      listen = 0.0.0.0:9000
      pm = static
      pm.max_children = 2
      clear_env = no
  nginx:
    content: |
      server {
        listen 80;
        root /srv;
        location / { index index.php; }
        location ~ \\.php$$ {
          include fastcgi.conf;
          fastcgi_pass php:9000;
        }
      }
`,
  'start.sh': START_DATABASE,
  'site/index.php': PAGE,
});
home.env.DB_PASSWORD = 'a secret of the blog';

/** The page, once the server listens. */
async function page(at: number): Promise<string> {
  return await waitUntil('the server answers', () =>
    fetched(at).then(
      (text) => text || 'nothing',
      () => undefined,
    ),
  );
}

/** The project's volumes. */
const volumes = () => containers.ok('volume', 'ls', '-q', '--filter', 'name=^blog');

test('a blog: nginx, PHP and MariaDB, with a volume, a secret and conditions', {
  timeout: 900_000,
}, async () => {
  const { status, stderr } = blog.run(['up', '-d', '--wait']);
  assert.equal(status, 0, `${stderr}${status === 0 ? '' : blog.ok('logs')}`);
  assert.equal(await page(port), 'visit 1');
  assert.equal(await fetched(port), 'visit 2');
  assert.match(blog.ok('ps', '--format', '{{.Service}} {{.Health}}'), /db healthy\nnginx \nphp healthy\n/);
  // the data outlive the containers
  blog.ok('down');
  blog.ok('up', '-d', '--wait');
  assert.equal(await page(port), 'visit 3');
  // a new version of one service leaves the others alone
  const before = blog.ids();
  blog.write({ 'site/index.php': '<?php echo "new";' });
  blog.ok('up', '-d', '--force-recreate', '--no-deps', 'php');
  const changed = blog.ids();
  assert.notEqual(changed['blog-php-1'], before['blog-php-1']);
  assert.deepEqual(
    [changed['blog-db-1'], changed['blog-nginx-1']],
    [before['blog-db-1'], before['blog-nginx-1']],
  );
  blog.ok('restart', 'nginx'); // nginx has looked up the address of php at its start
  await waitUntil('the new page is there', () =>
    fetched(port).then(
      (text) => text === 'new',
      () => false,
    ),
  );
  assert.equal(volumes(), 'blog_db\n');
  blog.ok('down', '-v');
  assert.equal(volumes(), '');
});

test('the same blog by a file of Kubernetes', { timeout: 900_000 }, async () => {
  const password = 'another secret';
  const image = 'localhost/blog-programs';
  const file = join(home.folder, 'blog.yaml');
  writeFileSync(file, blogManifest({ image, port, startDatabase: START_DATABASE, page: PAGE, password }));
  containers.ok('kube', 'play', file);
  await waitUntil('the page is there', async () => (await page(port)) === 'visit 1');
  const health = (name: string) => containers.inspect(name, '{{.State.Health.Status}}');
  const all = ['blog-db-pod-mariadb', 'blog-pod-php', 'blog-pod-nginx'];
  await waitUntil('all of it is healthy', () => all.every((name) => health(name) === 'healthy'));
  // the probe has visited it, too; the data outlive the pods
  const [, visits] = /^visit (\d+)$/.exec(await fetched(port)) ?? [];
  containers.ok('kube', 'play', '--replace', file);
  await waitUntil('it is there again', async () => Number((await page(port)).split(' ')[1]) > Number(visits));
  containers.ok('kube', 'down', '--force', file);
  assert.equal(volumes(), '');
});

test('nginx before two Node servers that count in Redis', { timeout: 900_000 }, async () => {
  const app = new ComposeProject(home, 'counter', {
    'compose.yaml': `
services:
  redis:
    image: localhost/blog-programs
    command: redis-server --bind 0.0.0.0 --protected-mode no --dir /data
    volumes: [redis:/data]
    healthcheck: {test: [CMD, redis-cli, ping], interval: 200ms, retries: 1000}
  web:
    image: localhost/blog-programs
    command: node /app/server.js
    working_dir: /app
    volumes: ["./app:/app:ro", "${process.execPath}:/usr/bin/node:ro"]
    init: true
    deploy: {replicas: 2}
    depends_on: {redis: {condition: service_healthy}}
    healthcheck: {test: [CMD, node, -e, "require('net').connect(5000).on('connect',()=>process.exit(0))"], interval: 500ms, retries: 1000}
  nginx:
    image: localhost/blog-programs
    command: nginx -g "daemon off;"
    volumes: ["./nginx.conf:/etc/nginx/nginx.conf:ro"]
    ports: ["127.0.0.1:${port + 1}:80"]
    depends_on: {web: {condition: service_healthy}}
volumes: {redis: {}}
`,
    'nginx.conf':
      'events {}\nhttp { upstream web { server counter-web-1:5000; server counter-web-2:5000; } server { listen 80; location / { proxy_pass http://web; } } }\n',
    'app/server.js': `const { createServer } = require('http');
const { connect } = require('net');
createServer((request, response) => {
  const redis = connect(6379, 'redis');
  redis.end('INCR visits\\r\\n');
  redis.on('data', (reply) => response.end(require('os').hostname() + ' ' + reply.toString().trim()));
}).listen(5000);
`,
  });
  app.ok('up', '-d', '--wait');
  const answers = [
    await page(port + 1),
    await fetched(port + 1),
    await fetched(port + 1),
    await fetched(port + 1),
  ];
  assert.deepEqual(
    answers.map((text) => text.split(':')[1]),
    ['1', '2', '3', '4'],
  );
  assert.equal(new Set(answers.map((text) => text.split(' ')[0])).size, 2, 'both have answered');
  assert.match(app.ok('top', 'web'), /\nweb +1 .*node [\s\S]*\nweb +2 .*node /);
  app.ok('down', '-v');
});
