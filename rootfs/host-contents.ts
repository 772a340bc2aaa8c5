/** Commands of the `host` root filesystem, as far as they are installed. */

export const REQUIRED_COMMAND = 'sh';

const COMMANDS = `
  sh bash dash
  [ arch base64 basename cat chgrp chmod chown chroot cksum comm cp cut date dd df dir dirname du echo env expand expr
  factor false fmt fold groups head hostid id install join link ln logname ls md5sum mkdir mkfifo mknod mktemp mv nice
  nl nohup nproc od paste printenv printf pwd readlink realpath rm rmdir seq sha1sum sha256sum sha512sum shred shuf
  sleep sort split stat stdbuf stty sum sync tac tail tee test timeout touch tr true truncate tsort tty uname uniq
  unlink users vdir wc who whoami yes
  awk mawk gawk cmp diff egrep fgrep find grep gzip gunzip less more nano patch sed tar vi vim which xargs zcat
  free kill killall pgrep pidof pkill pmap ps pstree sysctl top uptime vmstat w watch
  clear reset tput
  capsh chrt dmesg findmnt flock getopt getent hostname ionice ip last lsns mount mountpoint nsenter prlimit renice
  script setpriv setsid ss taskset umount unshare
  nc ping strace
`;

export const HOST_COMMANDS: readonly string[] = COMMANDS.trim().split(/\s+/);

export const TERMINALS: readonly string[] = [
  'ansi',
  'dumb',
  'linux',
  'screen',
  'screen-256color',
  'tmux',
  'tmux-256color',
  'vt100',
  'vt220',
  'xterm',
  'xterm-256color',
  'xterm-color',
];
