/** What src/init/wire.h defines, by the names that it has there. Made from it by scripts/wire-constants.mjs. */

export const MAGIC = 0x74736f66;
export const VERSION = 7;
export const NO_STEP = 0xffffffff;
export const CLONE_STEP = 0xfffffffe;
export const STATE_STEP = 0xfffffffc;
export const HOST_STEP = 0xffff0000;
export const TEMPLATE_MAGIC = 0x6d657466;
export const FD_CONTROL = 3;
export const FD_BLOB = 4;
export const PLAN_SHIM = 1;
export const PLAN_TRACE = 2;
export const PLAN_VERBOSE = 4;
export const PLAN_GROUP = 8;
export const PLAN_COUNTS = 32;
export const PLAN_NESTED = 64;
export const PLAN_SHARED = 16;
export const ARG_NUMBER = 0;
export const ARG_POINTER = 1;
export const ARG_STORED = 2;
export const STEP_AWAIT = 0x10000;
export const STEP_REFORK = 0x10001;
export const STEP_ORPHAN = 0x10002;
export const STEP_FILE_SYSTEM = 0x10003;
export const STEP_NOT_ON = 0x10004;
export const STEP_RENEW = 0x10005;
export const CONTROL_RESUME = 82;
export const CONTROL_START = 83;
export const SIGNAL_TO_GROUP = 1;
export const SIGNAL_TO_INIT = 2;
export const REPORT_STEP = 1;
export const REPORT_FAILED = 2;
export const REPORT_READY = 3;
export const REPORT_EXEC_FAILED = 4;
export const REPORT_REFORKED = 5;
export const REPORT_EXECUTED = 6;
export const REPORT_STARTED = 7;
export const REPORT_ADOPTED = 8;
export const REPORT_REAPED = 9;
export const REPORT_STOPPED = 10;
export const REPORT_COUNTS = 11;
export const REPORT_HANDED = 12;
export const MAX_DESCRIPTORS = 1024;
export const HOST_WRITE = 1;
export const HOST_RUN = 2;
export const HOST_START = 3;
export const HOST_RESUME = 4;
export const HOST_HAND = 5;
export const HOST_CGROUP = 6;
export const HOST_NETLINK = 7;
export const MAX_MAP_LINES = 340;
export const MAX_HOST_WORDS = 1024;
export const MAX_LAYERS = 500;
export const WRITE_FROM_ABOVE = 1;
export const NETLINK_IN_CONTAINER = 1;
export const NETLINK_PID_SHIFT = 1;
export const HAND_DEEP = 1;
export const HAND_DEVICES = 2;
export const HAND_MUST_SHIFT = 4;
export const HANDED_WHOLE = 0;
export const HANDED_TOP_ONLY = 1;
export const HANDED_PLAIN = 2;
export const CGROUP_MAKE = 1;
export const CGROUP_WRITE = 2;
export const CGROUP_ENTER = 3;
export const CGROUP_MOVE_ALL = 4;
export const CGROUP_AWAIT = 5;
export const CGROUP_SHARED = 16;
export const STORAGE_JOIN = 0;
export const STORAGE_DEVICE = 1;
export const STORAGE_FOLDER = 2;
export const STORAGE_MOUNT = 3;
export const STORAGE_VIEW = 4;
export const STORAGE_LAYER = 5;
export const STORAGE_PROGRAM = 6;
export const FD_PIDFD = 5;
export const FD_CONSOLE = 6;
export const FD_DIRECTORY = 7;
export const FD_USERNS = 8;
export const FD_LOCK = 9;
export const FD_MONITOR_END = 10;
export const FD_PLAN = 10;
export const FD_EVENTS = 11;
export const FD_JOINED = 12;
export const FD_HEALTH = 13;
export const FD_HOST_OUTPUT = 14;
export const FD_INPUT = 15;
export const FD_OUTPUT = 16;
export const FD_ERROR = 17;
export const FD_NETWORK = 18;
export const FD_CLIENT = 19;
export const FD_SUPERVISOR_END = 20;
export const PLAN_FD_CONSOLE = 5;
export const PLAN_FD_JOIN = 8;
export const PLAN_FD_KEPT = 600;
export const MAX_KEPT = 64;
export const FD_ENTERED = 7;
export const FD_PROGRAM = 8;
export const MONITOR_TERMINAL = 1;
export const MONITOR_INTERACTIVE = 2;
export const MONITOR_REMOVE = 4;
export const MONITOR_USERNS = 8;
export const MONITOR_VERBOSE = 16;
export const MONITOR_SHIM = 32;
export const MONITOR_STATELESS = 64;
export const MONITOR_HEALTH = 128;
export const MONITOR_JOINS = 256;
export const MONITOR_NESTED = 512;
export const MONITOR_UNLOGGED = 1024;
export const MONITOR_KILL_UNHEALTHY = 2048;
export const ATTACH_OUTPUT = 111;
export const ATTACH_ERROR = 101;
export const ATTACH_INPUT = 105;
export const ATTACH_TAKEN = 116;
export const ATTACH_INPUT_END = 99;
export const ATTACH_WINDOW = 119;
export const ATTACH_SIGNAL = 115;
export const ATTACH_ALL = 97;
export const ATTACH_EXIT = 120;
export const ATTACH_OWNER = 109;
export const ATTACH_DETACH = 100;
export const ATTACH_STOPPED = 122;
export const ATTACH_CHUNK = 16384;
export const TEMPLATE_EXEC = 1;
export const TEMPLATE_EXEC_TERMINAL = 2;
export const TEMPLATE_EXEC_DETACHED = 3;

// Where structs have their fields, in bytes.
export const PLAN_SIZE = 56;
export const PLAN_OFFSETS = {
  magic: 0,
  version: 4,
  size: 8,
  flags: 12,
  steps: 16,
  init_steps: 20,
  process_steps: 24,
  relocations: 28,
  relocation_count: 32,
  programs: 36,
  argv: 40,
  envp: 44,
  grace_ms: 48,
  kept: 52,
} as const;
export const STEP_SIZE = 64;
export const STEP_OFFSETS = {
  number: 0,
  kinds: 4,
  arguments: 8,
  store: 56,
  ignore: 60,
} as const;
export const REPORT_SIZE = 40;
export const REPORT_OFFSETS = {
  kind: 0,
  index: 4,
  value: 8,
  extra: 16,
  name: 24,
} as const;
export const PROGRAM_SIZE = 56;
export const PROGRAM_OFFSETS = {
  path: 0,
  argv: 8,
  envp: 16,
  descriptors: 24,
  file: 32,
  descriptor_count: 36,
  is_privileged: 40,
  parent_death_signal: 44,
  error: 48,
} as const;
export const HOST_STEP_SIZE = 20;
export const HOST_STEP_OFFSETS = {
  kind: 0,
  words: 4,
  count: 8,
  detail: 12,
  result: 16,
} as const;
export const HOST_SIZE = 64;
export const HOST_OFFSETS = {
  blob: 0,
  size: 8,
  steps: 12,
  count: 16,
  pid: 20,
  pidfd: 24,
  control: 28,
  holder: 32,
  userns: 36,
  output: 40,
  init: 44,
  starter: 48,
  failed: 52,
  error: 56,
  detail: 60,
} as const;
export const MONITOR_SIZE = 104;
export const MONITOR_OFFSETS = {
  magic: 0,
  version: 4,
  size: 8,
  flags: 12,
  pid: 16,
  remove: 20,
  failures: 24,
  failure_count: 28,
  subject: 32,
  clone_flags: 36,
  log_max_size: 40,
  log_max_files: 44,
  health_interval: 48,
  health_start_interval: 52,
  health_timeout: 56,
  health_start_period: 60,
  health_retries: 64,
  time_limit: 68,
  oom: 72,
  host_steps: 76,
  host_step_count: 80,
  names: 84,
  volumes: 88,
  kept: 92,
  last_argv: 96,
  last_envp: 100,
} as const;
export const FAILURE_SIZE = 12;
export const FAILURE_OFFSETS = {
  error: 0,
  exit_code: 4,
  text: 8,
} as const;
export const TEMPLATE_SIZE = 216;
export const TEMPLATE_OFFSETS = {
  magic: 0,
  version: 4,
  size: 8,
  kind: 12,
  config: 16,
  cgroups: 56,
  init: 96,
  bundle: 136,
  plan: 176,
  plan_size: 180,
  monitor: 184,
  monitor_size: 188,
  failures: 192,
  failure_count: 196,
  event: 200,
  path: 204,
  directory: 208,
  unused: 212,
} as const;
export const TEMPLATE_FAILURE_SIZE = 16;
export const TEMPLATE_FAILURE_OFFSETS = {
  error: 0,
  exit_code: 4,
  before: 8,
  after: 12,
} as const;
