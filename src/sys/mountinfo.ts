/** A path in /proc/PID/mountinfo, where white space and backslashes are octal numbers: proc_pid_mountinfo(5). */
export function unescapedPath(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
