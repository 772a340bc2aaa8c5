/** Inputs for the image benchmarks: tar archives of real files, and images made from them. */
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { output, run } from './bench.mjs';

/** Packages in addition to minbase, for a size of 200 MB. */
const PACKAGES = 'python3,perl,git';

/** Uses the mirror of this machine's apt. Leaves out device nodes, because users cannot unpack them. */
const BOOTSTRAP = `
  set -o pipefail
  read -r mirror suite < <(apt-get indextargets --format '$(SITE) $(RELEASE)' | grep -E '/debian/? [a-z]+$')
  mmdebstrap --quiet --mode=unshare --variant=minbase --include=${PACKAGES} "$suite" - "$mirror" |
    mmtarfilter --path-exclude='/dev/*' > "$1"
`;

/** For a machine without a network: files of its own packages: important ones, their dependencies, and more for the size. */
const OWN_PACKAGES = `
  dpkg-query -W -f '\${Priority} \${Package}\\n' | sed -nE 's/^(required|important|standard) //p' |
    xargs apt-cache depends --recurse --installed --important | grep -E '^[a-z]' > packages
  dpkg-query -W -f '\${Package} \${Installed-Size}\\n' | tee sizes | cut -d ' ' -f 1 >> packages
  awk 'NR == FNR { size[$1] = $2; next } ($1 in size) && !seen[$1]++ { print $1; all += size[$1] } all > 260000 { exit }' \
    sizes packages | xargs dpkg -L |
    sed -E 's,^/,,; s,^s?bin/|^lib[0-9]*/,usr/&,' |
    while read -r file; do [ -r "/$file" ] && echo "$file"; done | sort -u > files
  tar -c --no-recursion --ignore-failed-read -C / --exclude=. -T files -f "$1" 2>/dev/null
  [ -s "$1" ]
`;

const SMALL_FILES = 50_000;
const FOLDERS = 500;

/** Copies of real files, so that layers have the sizes, names and compressibility of real ones, and a few whiteouts. */
const DOCKERFILE = `
FROM bench/debian:gzip
RUN mkdir /more && cp -a /usr/share /more
RUN cp -a /usr/lib /more
RUN cp -a /usr/bin /more && rm -r /usr/share/doc
RUN cp -a /usr/sbin /etc /var /more
CMD ["true"]
`;

/**
 * An archive and the image that was made from it.
 * @typedef {object} Input
 * @property {string} title
 * @property {string} archive a tar file, plain or gzip
 * @property {number} size of the archive uncompressed, in bytes
 * @property {string} image its name in the layout
 * @property {string} ociArchive
 * @property {string} layout an OCI layout of it
 */

/** @returns {{inputs: Input[], notes: string[]}} */
export function makeInputs(bench) {
  const scratch = join(bench.work, 'scratch');
  const debian = join(scratch, 'debian.tar');
  const small = join(scratch, 'small.tar');
  const notes = [];
  if (run(bench, ['bash', '-c', BOOTSTRAP, 'bash', debian]).status !== 0) {
    output(bench, ['bash', '-c', OWN_PACKAGES, 'bash', debian]);
    notes.push('mmdebstrap failed: the Debian is made from the files of installed packages.');
  }
  output(bench, ['sh', '-c', 'mkdir -p program/bin && cp "$(command -v busybox)" program/bin/true']);
  const tree = makeSmallFiles(join(bench.work, 'small'));
  output(bench, ['tar', '-c', '-f', small, '-C', tree, '.', '-C', join(scratch, 'program'), 'bin']);
  for (const archive of [debian, small]) output(bench, ['gzip', '-k', '-6', archive]);
  const debianName = `Debian, ${count(bench, debian)} files`;
  return {
    inputs: [
      makeInput(bench, {
        title: `${debianName}, plain`,
        archive: debian,
        plain: debian,
        tag: 'debian:plain',
      }),
      makeInput(bench, {
        title: `${debianName}, gzip`,
        archive: `${debian}.gz`,
        plain: debian,
        tag: 'debian:gzip',
      }),
      makeInput(bench, {
        title: `${SMALL_FILES} small files, gzip`,
        archive: `${small}.gz`,
        plain: small,
        tag: 'small:gzip',
      }),
    ],
    notes,
  };
}

function makeSmallFiles(tree) {
  for (let folder = 0; folder < FOLDERS; folder++) mkdirSync(join(tree, `d${folder}`), { recursive: true });
  for (let index = 0; index < SMALL_FILES; index++) {
    const content = Buffer.alloc((index * 37) % 4096, index & 0xff);
    writeFileSync(join(tree, `d${index % FOLDERS}`, `f${index}`), content);
  }
  return tree;
}

function count(bench, archive) {
  return output(bench, ['tar', '-tf', archive]).split('\n').length - 1;
}

/** The layer is the unchanged archive. */
function makeInput(bench, { title, archive, plain, tag }) {
  const name = `bench/${tag}`;
  const layout = join(bench.work, 'scratch', `${tag.replace(':', '-')}.oci`);
  output(bench, [bench.foster, 'import', archive, name]);
  output(bench, [bench.foster, 'save', '--format', 'oci-dir', '-o', layout, name]);
  output(bench, ['tar', '-c', '-C', layout, '-f', `${layout}.tar`, '.']);
  const size = statSync(plain).size;
  return { title, archive, size, image: `docker.io/${name}`, ociArchive: `${layout}.tar`, layout };
}

/** @returns {{image: string, layout: string, layers: number, size: number}} `size`: of all layers, in compressed bytes */
export function makeLayeredImage(bench) {
  const context = join(bench.work, 'context');
  const layout = join(bench.work, 'scratch', 'layers.oci');
  mkdirSync(context);
  writeFileSync(join(context, 'Dockerfile'), DOCKERFILE);
  output(bench, [bench.foster, 'build', '-q', '-t', 'bench/layers', context]);
  output(bench, [bench.foster, 'save', '--format', 'oci-dir', '-o', layout, 'bench/layers']);
  const read = (file) => JSON.parse(output(bench, ['cat', join(layout, file)]));
  const [{ digest }] = read('index.json').manifests;
  const { layers } = read(join('blobs', digest.replace(':', '/')));
  const size = layers.reduce((sum, layer) => sum + layer.size, 0);
  return { image: 'docker.io/bench/layers:latest', layout, layers: layers.length, size };
}
