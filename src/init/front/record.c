/* Reads config.json: what src/container/record.ts has of it. */
#include "record.h"
#include "json.h"

#include <linux/fcntl.h>
#include <linux/mman.h>

enum { MAX_VALUE = 1024 /* of an attribute: a longer one is cut, by characters, which is left to Node */ };

/* The text of a file, in memory that has room behind it for the attributes. NULL if it cannot be read. */
const char *read_text(int folder, const char *name, char **behind) {
  int file = (int)sys_openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
  s64 size = file < 0 ? -1 : own_file_size(file);
  if (size <= 0 || size >= MAX_TEMPLATE) return NULL;
  long at = syscall6(__NR_mmap, 0, size + 1 + MAX_ATTRIBUTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at < 0 && at > -4096) return NULL;
  char *text = (char *)at;
  *behind = text + size + 1;
  long got = sys_read(file, text, (size_t)size);
  sys_close(file);
  return got == size ? text : NULL;
}

/* Gives its memory back. */
void release_config(const char *text) { SYSCALL2(__NR_munmap, text, string_length(text) + 1 + MAX_ATTRIBUTES); }

static char *append_attribute(char *to, const char *end, const char *key, const char *value) {
  char text[MAX_VALUE + 1];
  for (int is_value = 0; is_value < 2; is_value++) {
    if (!json_text(is_value ? value : key, text, sizeof text) || end - to < 3 * MAX_VALUE + 8) return NULL;
    *to++ = is_value ? '=' : ' ';
    to = append_encoded(to, text);
  }
  return to;
}

/* As attributesOf does. A label with the name of another attribute would be replaced by it. Returns whether it has worked. */
static int put_attributes(char *to, const char *labels, const char *root) {
  const char *end = to + MAX_ATTRIBUTES;
  struct json_list list = json_list(labels);
  while (json_next(&list)) {
    if (json_is_key(&list, "image") || json_is_key(&list, "signal")) return 0;
    if (!(to = append_attribute(to, end, list.key - 1, list.value))) return 0;
  }
  return !list.is_damaged && append_attribute(to, end, "\"image\"", root);
}

static int read_maps(const char *spec, struct record *record) {
  struct json_list members = json_list(spec), linux_members = {.is_damaged = 1};
  while (json_next(&members))
    if (json_is_key(&members, "linux") && *members.value == '{') linux_members = json_list(members.value);
  while (json_next(&linux_members)) {
    if (json_is_key(&linux_members, "uidMappings")) record->uid_map = linux_members.value;
    if (json_is_key(&linux_members, "gidMappings")) record->gid_map = linux_members.value;
  }
  if (members.is_damaged || linux_members.is_damaged || !record->uid_map || !record->gid_map) return 0;
  return *record->uid_map == '[' && *record->gid_map == '[';
}

/* `attributes`: room for them. Returns 0 if something is not as foster writes it. */
int parse_record(const char *text, const char *id, char attributes[MAX_ATTRIBUTES], struct record *record) {
  const char *labels = NULL, *root = NULL, *spec = NULL;
  struct json_list members = json_list(text);
  *record = (struct record){.stop_signal = -1, .stop_timeout = -2, .attributes = attributes};
  while (json_next(&members)) {
    const char *value = members.value;
    if (json_is_key(&members, "id") && !json_text(value, record->id, sizeof record->id)) return 0;
    else if (json_is_key(&members, "name") && !json_text(value, record->name, sizeof record->name)) return 0;
    else if (json_is_key(&members, "labels")) labels = value;
    else if (json_is_key(&members, "root")) root = value;
    else if (json_is_key(&members, "spec")) spec = value;
    else if (json_is_key(&members, "rm")) record->is_temporary = *value == 't';
    else if (json_is_key(&members, "usesMapHelpers")) record->uses_helpers = *value == 't';
    else if (json_is_key(&members, "volumes")) record->volumes = value;
    else if (json_is_key(&members, "preStop")) return 0; /* Node runs it */
    else if (json_is_key(&members, "isInfra")) return 0; /* who may remove it is for Node to say: it belongs to a pod */
    else if (json_is_key(&members, "stopSignal") && !json_number(value, &record->stop_signal)) return 0;
    else if (json_is_key(&members, "stopTimeout") && !json_number(value, &record->stop_timeout)) return 0;
  }
  if (members.is_damaged || *members.at || !string_equal(record->id, id) || !is_name(record->name)) return 0;
  if (!labels || *labels != '{' || !root || !spec || *spec != '{' || !read_maps(spec, record)) return 0;
  if (record->stop_signal < 1 || record->stop_signal > SIGNAL_COUNT || record->stop_timeout < -1) return 0;
  return put_attributes(attributes, labels, root);
}

/* Returns 0 if there is none that is whole. */
int read_record(const struct target *target, struct record *record) {
  char *attributes = NULL;
  const char *text = read_text(target->folder, "config.json", &attributes);
  return text && parse_record(text, target->id, attributes, record);
}

/* Adds an event, with `more` attributes. Returns 0 if the file is so large by now that it is to be rotated. */
int record_event(int data, const struct record *record, const char *action, const char *more) {
  static char text[MAX_ATTRIBUTES + 512];
  char *none[] = {NULL};
  struct values values = {.command = none};
  append(append(append(append(append(append(append(append(text, " "), action), " "), record->id), " "), record->name), record->attributes), more);
  int is_short = append_event(data, text, &values);
  append(append(append(text, "event "), action), " noted");
  fault_point(text);
  return is_short;
}
