import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { BuildHome, FROM } from './support/build.js';

/** What foster builds is for others too. */

/** Its storage has files of users that only a container has. To be done before the home itself is removed. */
after(() =>
  spawnSync('podman', ['unshare', 'rm', '-rf', join(home.folder, 'data/containers')], { env: home.env }),
);

const home = new BuildHome();

function isInstalled(program: string): boolean {
  return spawnSync(program, ['--version']).status === 0;
}

function podman(args: string[]): { status: number | null; stdout: string; stderr: string } {
  // its default wants cgroups of version 2
  const flags = ['--runtime', 'runc', '--cgroup-manager', 'cgroupfs'];
  return spawnSync('podman', [...flags, ...args], { encoding: 'utf8', env: home.env });
}

test('podman runs an image that foster has built', {
  skip: !isInstalled('skopeo') || !isInstalled('podman'),
}, () => {
  const context = home.context({
    Dockerfile: `${FROM}
RUN mkdir /old && touch /old/a /old/b && echo me:x:50:50::/:/bin/sh >> /etc/passwd
RUN rm /old/a
ENV A="b c"
LABEL k=v
WORKDIR /work
COPY --chown=me file .
USER me
ENTRYPOINT ["sh", "-c"]
CMD ["id -un; pwd; echo $A; cat file; stat -c %U file; ls /old"]
`,
    file: 'content\n',
  });
  home.built(context, ['-t', 'peer']);
  const store = join(home.folder, 'data/foster/images');
  const source = `oci:${store}:docker.io/library/peer:latest`;
  const copied = spawnSync('skopeo', ['copy', '-q', source, 'containers-storage:localhost/peer:latest'], {
    encoding: 'utf8',
    env: home.env,
  });
  assert.equal(copied.status, 0, copied.stderr);
  const { stdout, stderr } = podman(['run', '--rm', '--network', 'none', 'localhost/peer']);
  assert.equal(stdout, 'me\n/work\nb c\ncontent\nme\nb\n', stderr);
  assert.equal(podman(['inspect', '--format', '{{.Config.Labels.k}}', 'localhost/peer']).stdout, 'v\n');
});
