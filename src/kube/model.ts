/** Objects of Kubernetes as `check.ts` lets them pass: schema/kube.json says what the fields are. */

export interface Meta {
  name: string;
  namespace?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

export interface KeyRef {
  name: string;
  key: string;
  optional?: boolean;
}

export interface Optional {
  name: string;
  optional?: boolean;
}

export interface FieldRef {
  fieldPath: string;
}

export type Quantity = string | number;

export interface ResourceRef {
  resource: string;
  containerName?: string;
  divisor?: Quantity;
}

export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: {
    configMapKeyRef?: KeyRef;
    secretKeyRef?: KeyRef;
    fieldRef?: FieldRef;
    resourceFieldRef?: ResourceRef;
  };
}

export interface EnvFrom {
  prefix?: string;
  configMapRef?: Optional;
  secretRef?: Optional;
}

export interface ContainerPort {
  name?: string;
  containerPort: number;
  hostPort?: number;
  hostIP?: string;
  protocol?: string;
}

export interface VolumeMount {
  name: string;
  mountPath: string;
  subPath?: string;
  readOnly?: boolean;
  mountPropagation?: 'None' | 'HostToContainer' | 'Bidirectional';
}

export type Quantities = Record<string, Quantity>;

export interface Probe {
  exec?: { command: string[] };
  httpGet?: {
    path?: string;
    port: number | string;
    host?: string;
    scheme?: 'HTTP' | 'HTTPS';
    httpHeaders?: { name: string; value: string }[];
  };
  tcpSocket?: { port: number | string; host?: string };
  initialDelaySeconds?: number;
  periodSeconds?: number;
  timeoutSeconds?: number;
  failureThreshold?: number;
  successThreshold?: number;
  terminationGracePeriodSeconds?: number;
}

/** What a hook does. */
export interface Handler extends Pick<Probe, 'exec' | 'httpGet'> {
  sleep?: { seconds: number };
}

export type ProbeName = 'livenessProbe' | 'readinessProbe' | 'startupProbe';

export interface SeccompProfile {
  type: 'RuntimeDefault' | 'Unconfined' | 'Localhost';
  localhostProfile?: string;
}

/** What a pod and a container can both say. */
export interface SecurityContext {
  runAsUser?: number;
  runAsGroup?: number;
  runAsNonRoot?: boolean;
  seccompProfile?: SeccompProfile;
  seLinuxOptions?: Record<string, string>;
}

export interface ContainerSecurity extends SecurityContext {
  privileged?: boolean;
  allowPrivilegeEscalation?: boolean;
  readOnlyRootFilesystem?: boolean;
  procMount?: 'Default' | 'Unmasked';
  capabilities?: { add?: string[]; drop?: string[] };
}

export interface PodSecurity extends SecurityContext {
  supplementalGroups?: number[];
  fsGroup?: number;
  fsGroupChangePolicy?: 'Always' | 'OnRootMismatch';
  sysctls?: { name: string; value: string }[];
}

export interface Container extends Partial<Record<ProbeName, Probe>> {
  name: string;
  image: string;
  imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never';
  command?: string[];
  args?: string[];
  workingDir?: string;
  stdin?: boolean;
  tty?: boolean;
  env?: EnvVar[];
  envFrom?: EnvFrom[];
  ports?: ContainerPort[];
  volumeMounts?: VolumeMount[];
  resources?: { limits?: Quantities; requests?: Quantities };
  lifecycle?: { stopSignal?: string; postStart?: Handler; preStop?: Handler };
  /** Only of a sidecar. */
  restartPolicy?: 'Always';
  securityContext?: ContainerSecurity;
}

export interface Item {
  key: string;
  path: string;
  mode?: number;
}

export interface DownwardItem {
  path: string;
  mode?: number;
  fieldRef?: FieldRef;
  resourceFieldRef?: ResourceRef;
}

export interface Projection {
  configMap?: Optional & { items?: Item[] };
  secret?: Optional & { items?: Item[] };
  downwardAPI?: { items?: DownwardItem[] };
}

export interface Volume {
  name: string;
  hostPath?: { path: string; type?: string };
  emptyDir?: { medium?: '' | 'Memory' | 'HugePages'; sizeLimit?: Quantity };
  configMap?: Optional & { items?: Item[]; defaultMode?: number };
  secret?: { secretName: string; optional?: boolean; items?: Item[]; defaultMode?: number };
  downwardAPI?: { items?: DownwardItem[]; defaultMode?: number };
  projected?: { sources: Projection[]; defaultMode?: number };
  persistentVolumeClaim?: { claimName: string; readOnly?: boolean };
}

export interface PodSpec {
  containers: Container[];
  initContainers?: Container[];
  volumes?: Volume[];
  restartPolicy?: 'Always' | 'OnFailure' | 'Never';
  terminationGracePeriodSeconds?: number;
  hostname?: string;
  hostNetwork?: boolean;
  hostPID?: boolean;
  hostIPC?: boolean;
  shareProcessNamespace?: boolean;
  hostAliases?: { ip: string; hostnames?: string[] }[];
  dnsPolicy?: 'Default' | 'ClusterFirst' | 'ClusterFirstWithHostNet' | 'None';
  dnsConfig?: {
    nameservers?: string[];
    searches?: string[];
    options?: { name: string; value?: string }[];
  };
  securityContext?: PodSecurity;
}

export interface Template {
  metadata?: Partial<Meta>;
  spec: PodSpec;
}

export interface ConfigMap {
  metadata: Meta;
  data?: Record<string, string>;
  /** In base64. */
  binaryData?: Record<string, string>;
}

export interface Secret {
  metadata: Meta;
  /** In base64. */
  data?: Record<string, string>;
  stringData?: Record<string, string>;
}

export interface Claim {
  metadata: Meta;
}

/** A controller of pods, and what only one kind of them has. */
export interface Controller {
  metadata: Meta;
  spec: {
    template: Template;
    replicas?: number;
    /** Of a StatefulSet. */
    volumeClaimTemplates?: Claim[];
    /** Of a Job. */
    backoffLimit?: number;
    completions?: number;
    parallelism?: number;
    completionMode?: 'NonIndexed' | 'Indexed';
  };
}

export interface ServicePort {
  name?: string;
  port: number;
  targetPort?: number | string;
  nodePort?: number;
  protocol?: string;
}

export interface Service {
  metadata: Meta;
  spec: { selector?: Record<string, string>; type?: 'ClusterIP' | 'NodePort'; ports?: ServicePort[] };
}
