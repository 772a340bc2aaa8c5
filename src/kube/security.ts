import { join } from 'node:path';
import type { RunFlags } from '../spec/parse/run-request.js';
import type { ContainerSecurity, PodSecurity, SeccompProfile } from './model.js';
import type { Place } from './place.js';

/** What a container's securityContext becomes; that of the pod stands where it says nothing. */
export function securityFlags(
  own: ContainerSecurity = {},
  ofPod: PodSecurity = {},
  places: { own: Place; ofPod: Place },
  { profiles }: { profiles: string },
): RunFlags {
  const seccomp = own.seccompProfile ?? ofPod.seccompProfile;
  const placeOf = (field: keyof PodSecurity) =>
    (field in own ? places.own : places.ofPod).below('securityContext', field);
  const { capabilities: { add = [], drop = [] } = {} } = own;
  const selinux = { ...ofPod.seLinuxOptions, ...own.seLinuxOptions };
  const options = [
    ...(own.allowPrivilegeEscalation === undefined
      ? []
      : [`no-new-privileges=${!own.allowPrivilegeEscalation}`]),
    ...(seccomp === undefined ? [] : [`seccomp=${profileOf(seccomp, placeOf('seccompProfile'), profiles)}`]),
    ...(own.procMount === 'Unmasked' ? ['unmask=ALL'] : []),
    ...Object.entries(selinux).map(([key, value]) => `label=${key}:${value}`),
  ];
  const user = userOf(own, ofPod, placeOf);
  const { supplementalGroups = [], fsGroup = [] } = ofPod;
  const groups = [...new Set(supplementalGroups.concat(fsGroup))];
  return {
    ...(user !== undefined && { user }),
    ...(groups.length > 0 && { groupAdd: groups.map(String) }),
    ...(own.privileged && { privileged: true }),
    ...(own.readOnlyRootFilesystem && { readOnly: true }),
    ...(add.length > 0 && { capAdd: add }),
    ...(drop.length > 0 && { capDrop: drop }),
    ...(options.length > 0 && { securityOpt: options }),
  };
}

function userOf(
  own: ContainerSecurity,
  ofPod: PodSecurity,
  placeOf: (field: keyof PodSecurity) => Place,
): string | undefined {
  const user = own.runAsUser ?? ofPod.runAsUser;
  const group = own.runAsGroup ?? ofPod.runAsGroup;
  if ((own.runAsNonRoot ?? ofPod.runAsNonRoot) && !user)
    throw placeOf('runAsNonRoot').error(
      user === 0 ? 'runAsUser is 0, which is root' : 'foster does not know the user of the image yet',
      'give runAsUser a number other than 0',
    );
  if (user === undefined && group !== undefined)
    throw placeOf('runAsGroup').error('it needs a runAsUser', 'give runAsUser a number');
  if (user === undefined) return undefined;
  return group === undefined ? String(user) : `${user}:${group}`;
}

function profileOf({ type, localhostProfile = '' }: SeccompProfile, place: Place, profiles: string): string {
  if (type === 'Unconfined') return 'unconfined';
  if (type === 'RuntimeDefault') return 'default';
  if (localhostProfile === '' || localhostProfile.split('/').includes('..'))
    throw place
      .below('localhostProfile')
      .error('expected the path of a profile below the folder of profiles');
  return join(profiles, localhostProfile);
}
