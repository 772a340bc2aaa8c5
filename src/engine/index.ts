/** foster as a library: `import { Foster } from 'foster'`. Importing it does nothing. */
export { type ErrorKind, FosterError } from '../sys/errors.js';
export type { CallOptions } from './call.js';
export type { DoctorReport } from './doctor.js';
export { Foster } from './foster.js';
export type { Images } from './foster-images.js';
export type { Kube, PlayOptions } from './foster-kube.js';
export type { Networks } from './foster-networks.js';
export type { Pods } from './foster-pods.js';
export type { Volumes } from './foster-volumes.js';
export type { DownReport, PlayedPod, PlayReport, PlayRequest } from './kube/options.js';
export type * from './types.js';
export type { Look, ProcessName, Snapshot, WatchEvent, WatchedContainer, WatchedProcess } from './watch.js';
