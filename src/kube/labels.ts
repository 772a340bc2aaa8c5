/** Labels by which foster finds again what it has made of a file of Kubernetes. */
const PREFIX = 'io.foster.kube';

export const LABEL = {
  /** Of a volume that goes with its pod: the name of the pod. */
  pod: `${PREFIX}.pod`,
  /** Of a volume that goes with its pod and has files of a ConfigMap or the like. */
  files: `${PREFIX}.files`,
  /** Of a container: its name in the pod. */
  container: `${PREFIX}.container`,
  /** Of a volume: the name of its claim. */
  claim: `${PREFIX}.claim`,
} as const;
