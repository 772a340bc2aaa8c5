/** The labels by which Docker Compose knows what belongs to a project; other programs read them, too. */
const PREFIX = 'com.docker.compose';

export const LABEL = {
  project: `${PREFIX}.project`,
  service: `${PREFIX}.service`,
  number: `${PREFIX}.container-number`,
  hash: `${PREFIX}.config-hash`,
  oneOff: `${PREFIX}.oneoff`,
  folder: `${PREFIX}.project.working_dir`,
  files: `${PREFIX}.project.config_files`,
  image: `${PREFIX}.image`,
  dependsOn: `${PREFIX}.depends_on`,
  network: `${PREFIX}.network`,
  volume: `${PREFIX}.volume`,
} as const;

/** Labels of this prefix are Compose's own: a service cannot set them. */
export function isOwnLabel(label: string): boolean {
  return label.startsWith(`${PREFIX}.`);
}
