import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adviceOnNamespaces, cloneFailure } from '../../../src/init/namespace-failure.js';
import { FosterError } from '../../../src/sys/errors.js';
import { SystemCallError } from '../../../src/sys/ffi.js';

/** A host with these kernel parameters. */
const host = (settings: Record<string, string>, profile?: string, isFiltered = false) => ({
  setting: (path: string) => settings[path],
  profile: () => profile,
  isFiltered: () => isFiltered,
});

test('user namespaces turned off', () => {
  assert.match(
    adviceOnNamespaces('ENOSPC', host({ 'user/max_user_namespaces': '0' })) ?? '',
    /^user namespaces are turned off here; as root: sysctl -w user.max_user_namespaces=\d+$/,
  );
  assert.match(
    adviceOnNamespaces('ENOSPC', host({ 'user/max_user_namespaces': '9000' })) ?? '',
    /limit on namespaces is reached/,
  );
});

test("Debian's switch, where a kernel has it", () => {
  for (const errno of ['EPERM', 'EACCES']) {
    assert.match(
      adviceOnNamespaces(errno, host({ 'kernel/unprivileged_userns_clone': '0' })) ?? '',
      /sysctl -w kernel.unprivileged_userns_clone=1$/,
    );
  }
  assert.equal(adviceOnNamespaces('EPERM', host({ 'kernel/unprivileged_userns_clone': '1' })), undefined);
});

test("Ubuntu's AppArmor", () => {
  const ubuntu = host({
    'kernel/unprivileged_userns_clone': '1',
    'kernel/apparmor_restrict_unprivileged_userns': '1',
  });
  assert.match(
    adviceOnNamespaces('EPERM', ubuntu) ?? '',
    /^AppArmor .*apparmor_restrict_unprivileged_userns=0; or, for foster alone, install the profile/,
  );
  assert.match(adviceOnNamespaces('EACCES', ubuntu) ?? '', /AppArmor/);
  assert.equal(adviceOnNamespaces('ENOENT', ubuntu), undefined);
});

test('a profile of AppArmor', () => {
  const advice = (profile: string | undefined) => adviceOnNamespaces('EACCES', host({}, profile));
  assert.match(
    advice('a\n') ?? '',
    /^foster runs in the AppArmor profile 'a\\n', which has to allow 'userns,'/,
  );
  assert.equal(advice(undefined), undefined);
});

test('the seccomp filter of a container around foster', () => {
  assert.match(
    adviceOnNamespaces('EPERM', host({}, undefined, true)) ?? '',
    /^foster runs under a seccomp filter, as in a container, which may forbid it; start that container with .*seccomp=unconfined/,
  );
  assert.equal(adviceOnNamespaces('EINVAL', host({}, undefined, true)), undefined);
});

test('nothing is claimed on a host without such switches', () => {
  assert.equal(adviceOnNamespaces('EPERM', host({})), undefined);
  assert.equal(adviceOnNamespaces('EINVAL', host({})), undefined);
});

test('a clone that failed is one sentence; any other error stays what it is', () => {
  const failure = cloneFailure(new SystemCallError('int clone(void)', 28));
  assert.ok(failure instanceof FosterError);
  assert.match(
    failure.message,
    /^cannot start a process in new namespaces: clone: no space left on device \(ENOSPC\)$/,
  );
  assert.equal(failure.exitCode, 125);
  const other = new TypeError('x');
  assert.equal(cloneFailure(other), other);
});
