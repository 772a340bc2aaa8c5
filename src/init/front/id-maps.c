/* Writes the id maps of a process for a container's files, as src/launch/id-maps.ts does where helper programs do it. */
#include "record.h"
#include "json.h"

#include <linux/fcntl.h>

enum { MAX_MAP = 16 * 1024 /* bytes of both maps as arguments */ };

/* Words of a host step. */
struct words { char data[MAX_MAP]; u32 size, count; };

static int add_word(struct words *words, const char *text) {
  size_t size = string_length(text) + 1;
  if (size > sizeof words->data - words->size) return 0;
  memcpy(words->data + words->size, text, size);
  return words->size += (u32)size, words->count++, 1;
}

/* One line of a map: the id in the container, that on the host, and how many there are. */
static int add_line(struct words *words, const char *line) {
  if (*line != '{') return 0;
  static const char *const names[] = {"containerID", "hostID", "size"};
  for (int i = 0; i < 3; i++) {
    struct json_list members = json_list(line);
    char number[24];
    s64 value = -1;
    while (json_next(&members))
      if (json_is_key(&members, names[i]) && !json_number(members.value, &value)) return 0;
    if (members.is_damaged || value < 0 || !append_number(number, (u64)value) || !add_word(words, number)) return 0;
  }
  return 1;
}

static int add_lines(struct words *words, const char *map) {
  struct json_list lines = json_list(map);
  while (json_next(&lines))
    if (!add_line(words, lines.value)) return 0;
  return !lines.is_damaged;
}

/* Where findProgram looks first, and nearly always finds it. */
static int find_helper(const char *name, char path[64]) {
  static const char *const folders[] = {"/usr/bin/", "/bin/", "/usr/sbin/", "/sbin/", "/usr/local/bin/", NULL};
  enum { EXECUTABLE = 1 };
  for (const char *const *folder = folders; *folder; folder++) {
    append(append(path, *folder), name);
    if (SYSCALL3(__NR_faccessat, AT_FDCWD, path, EXECUTABLE) == 0) return 1;
  }
  return 0;
}

/* newuidmap PID LINES, newgidmap PID LINES */
static int add_helper(struct words *words, struct host_step *step, const char *name, const char *map) {
  char path[64];
  u32 start = words->size;
  words->count = 0;
  if (!find_helper(name, path) || !add_word(words, path) || !add_word(words, name) || !add_word(words, "PID") || !add_lines(words, map)) return 0;
  *step = (struct host_step){.kind = HOST_RUN, .words = (u32)sizeof(struct host_step) * 2 + start, .count = words->count, .detail = 2};
  return 1;
}

/* By the programs that may: what mapIds does where the maps have more than the caller's own ids. */
int map_ids(const struct record *record, const struct launch *launch) {
  static struct { struct host_step steps[2]; struct words words; } blob;
  if (!add_helper(&blob.words, &blob.steps[0], "newuidmap", record->uid_map) || !add_helper(&blob.words, &blob.steps[1], "newgidmap", record->gid_map)) return 0;
  struct host host = {.blob = (u64)&blob, .size = sizeof blob, .steps = 0, .count = 2, .pid = launch->pid, .pidfd = launch->pidfd, .control = launch->control,
                      .holder = -1, .userns = -1, .output = -1, .starter = -1, .init = launch->init};
  return check_host(&host) && run_host_steps(&host) == 0;
}
