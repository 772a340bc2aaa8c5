/** What a command or a program wants of `kube play`. */
export interface PlayRequest {
  /** Whether unknown fields and kinds, and those that foster does not honour, are errors. By default they are. */
  strict?: boolean | undefined;
  /** Paths of files with ConfigMaps and Secrets. */
  configMaps?: readonly string[] | undefined;
  /** Remove pods that have the names first. */
  replace?: boolean | undefined;
  /** Start the pods; by default they are. */
  start?: boolean | undefined;
  /** Return when the containers are ready, as their probes say. */
  ready?: boolean | undefined;
  /** As in `foster pod create --network`. */
  networks?: readonly string[] | undefined;
  /** As in `foster pod create -p`. */
  publish?: readonly string[] | undefined;
  /** Publish the ports of containers that have no hostPort. */
  publishAll?: boolean | undefined;
  /** Addresses, one for each pod. */
  ips?: readonly string[] | undefined;
  macs?: readonly string[] | undefined;
  userns?: string | undefined;
  /** Whether foster writes /etc/hosts; by default it does. */
  hosts?: boolean | undefined;
  /** `KEY=VALUE` each. */
  annotations?: readonly string[] | undefined;
  logDriver?: string | undefined;
  logOptions?: readonly string[] | undefined;
  quiet?: boolean | undefined;
  tlsVerify?: boolean | undefined;
  /** Go on where limits cannot be enforced. */
  ignoreUnenforced?: boolean | undefined;
  /** Folder of seccomp profiles. */
  profiles?: string | undefined;
}

/** What `kube play` has made. */
export interface PlayReport {
  /** Names of volumes of claims. */
  volumes: string[];
  pods: PlayedPod[];
  /** What was removed first: --replace. */
  replaced?: DownReport;
}

/** A pod that `kube play` has made. */
export interface PlayedPod {
  id: string;
  name: string;
  /** Ids, without those of init containers. */
  containers: string[];
  /** The name of the pod that is to have done its work before this one starts. */
  after?: string;
}

/** What `kube down` has removed. */
export interface DownReport {
  /** Ids. */
  pods: string[];
  /** Names of volumes of claims. */
  volumes: string[];
}
