/* The cgroups of a container, which its file `cgroups` names: src/launch/noted-cgroups.ts. */
#include "job.h"
#include "json.h"

#include <linux/fcntl.h>

/* An absolute path that leads nowhere else. */
static int is_path(const char *text) { return *text == '/' && !contains(text, "/../"); }

static int read_controllers(const char *value, struct cgroup_place *place) {
  struct json_list list = json_list(value);
  if (*value != '[') return 0;
  while (json_next(&list)) {
    char name[32];
    if (json_text(list.value, name, sizeof name)) place->has_freezer |= string_equal(name, "freezer");
  }
  return !list.is_damaged;
}

static int read_place(const char *value, struct cgroup_place *place) {
  struct json_list members = json_list(value);
  int has_controllers = 0;
  *place = (struct cgroup_place){.version = 0};
  if (*value != '{') return 0;
  while (json_next(&members)) {
    if (json_is_key(&members, "version") && !json_number(members.value, &place->version)) return 0;
    if (json_is_key(&members, "controllers") && !(has_controllers = read_controllers(members.value, place))) return 0;
    if (json_is_key(&members, "folder") && !json_text(members.value, place->folder, sizeof place->folder)) return 0;
    if (json_is_key(&members, "inner") && !json_text(members.value, place->inner, sizeof place->inner)) return 0;
  }
  return !members.is_damaged && has_controllers && (place->version == 1 || place->version == 2) && is_path(place->folder) && is_path(place->inner);
}

/* Returns 0 if the text says anything that foster does not write. */
int parse_cgroups(const char *text, struct cgroups *cgroups) {
  struct json_list list = json_list(text);
  cgroups->count = 0;
  if (*text != '[') return 0;
  while (json_next(&list)) {
    if (cgroups->count == MAX_CGROUPS || !read_place(list.value, &cgroups->places[cgroups->count])) return 0;
    cgroups->count++;
  }
  return !list.is_damaged && !*list.at;
}

int read_cgroups(int folder, struct cgroups *cgroups) {
  char *behind = NULL;
  cgroups->count = 0;
  if (!exists(folder, "cgroups")) return 1;
  const char *text = read_text(folder, "cgroups", &behind);
  return text && parse_cgroups(text, cgroups);
}

/* In version 1, a frozen process does not even notice SIGKILL. */
void thaw_cgroups(int folder) {
  static struct cgroups cgroups;
  if (!read_cgroups(folder, &cgroups)) return;
  for (u32 i = 0; i < cgroups.count; i++)
    if (cgroups.places[i].version == 1 && cgroups.places[i].has_freezer) return (void)cgroup_write(cgroups.places[i].folder, "freezer.state", "THAWED");
  for (u32 i = 0; i < cgroups.count; i++)
    if (cgroups.places[i].version == 2) return (void)cgroup_write(cgroups.places[i].folder, "cgroup.freeze", "0");
}

/* What a killed monitor has left. */
void remove_cgroups(const struct cgroups *cgroups) {
  for (u32 i = 0; i < cgroups->count; i++) {
    cgroup_remove(cgroups->places[i].inner);
    cgroup_remove(cgroups->places[i].folder);
  }
}
