import assert from 'node:assert/strict';
import type { BuildHome } from './build.js';
import { Containers } from './containers.js';
import type { DebianMirror } from './debian-mirror.js';

/** The image with real programs. */
export const IMAGE = 'localhost/programs';

/**
 * Without a name server that answers, apt would wait for SRV records of the mirror's name. Nothing need be safe from a power cut.
 * A package's own way to start its service is switched off, as images do it.
 */
const dockerfile = (packages: readonly string[]) => `FROM localhost/foster/debian
ARG SOURCE
RUN echo 'Acquire::EnableSrvRecords "false";' > /etc/apt/apt.conf.d/mirror \\
 && echo "$SOURCE" > /etc/apt/sources.list && apt-get update
RUN printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d \\
 && mkdir /etc/postgresql-common && echo create_main_cluster=false > /etc/postgresql-common/createcluster.conf \\
 && echo force-unsafe-io > /etc/dpkg/dpkg.cfg.d/unsafe-io \\
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \\
    -o Dpkg::Options::=--force-confold ${packages.join(' ')}
`;

/** Builds IMAGE from Debian's packages, which RUN installs over the default network. */
export async function buildDebianImage(
  home: BuildHome,
  mirror: DebianMirror,
  packages: readonly string[],
): Promise<void> {
  const context = home.context({ Dockerfile: dockerfile(packages) });
  const build = ['build', '-q', '-t', IMAGE, '--build-arg', `SOURCE=${mirror.source}`, context];
  const { status, stderr } = await new Containers(home).run(build);
  assert.equal(status, 0, stderr);
}
