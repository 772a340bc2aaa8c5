import assert from 'node:assert/strict';
import { test } from 'node:test';
import { installCommand } from '../../../src/sys/packages.js';

test('the command that installs a program, by the distribution', () => {
  for (const [release, command] of [
    ['NAME="Debian GNU/Linux"\nID=debian\n', 'apt-get install uidmap'],
    ['ID=linuxmint\nID_LIKE="ubuntu debian"\n', 'apt-get install uidmap'],
    ['ID="rocky"\nID_LIKE="rhel centos fedora"\n', 'dnf install shadow-utils'],
    ['ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"\n', 'zypper install shadow'],
    ['ID=arch\n', 'pacman -S shadow'],
    ['ID=alpine\n', 'apk add shadow-uidmap'],
    ['', 'apt-get install uidmap'],
  ] as const)
    assert.equal(installCommand('newuidmap', release), command);
  assert.equal(installCommand('fuse-overlayfs', 'ID=fedora\n'), 'dnf install fuse-overlayfs');
});
