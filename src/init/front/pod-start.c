/* Starts a pod, as src/pod/start.ts does: its infra container first, and then all others that do not run, the oldest first. What has to be
 * waited for on the way is left to Node: init containers, sidecars, and whatever another command is at work on. */
#include "pod.h"
#include "json.h"

#include <linux/fcntl.h>

enum { MAX_MEMBERS = 1024 };

/* A container of a pod that is to be started. */
struct member {
  struct target target;
  char name[MAX_NAME + 1], created[TIME_SIZE + 2];
};

struct start_of_pod {
  struct pod pod;
  struct member members[MAX_MEMBERS];
  u32 count;
  int is_infra_alive;
  char name[MAX_NAME + 1];
  u64 infra_record[3];
};

/* Whether it belongs to the pod, and whether that is for the front: one that is neither alive nor plainly dead is not. */
static int take_member(struct start_of_pod *start, struct target *target) {
  char *behind, own[ID_SIZE + 2] = "";
  struct noted noted;
  const char *text = read_text(target->folder, "config.json", &behind);
  if (!text) return !exists(target->folder, "config.json");
  struct member *member = start->members + start->count;
  int is_read = read_noted(text, &noted), is_member = is_read && noted.pod && json_text(noted.pod, own, sizeof own) && string_equal(own, start->pod.id);
  int is_usual = !is_member || (noted.is_plain && string_equal(noted.id, target->id) && noted.name && json_text(noted.name, member->name, sizeof member->name) && is_name(member->name));
  if (is_member && is_usual) append(member->created, noted.created);
  release_config(text);
  if (!is_read || !is_usual) return 0;
  if (!is_member) return sys_close(target->folder), 1;
  if (open_init(target)) return sys_close(target->pidfd), sys_close(target->folder), start->is_infra_alive;
  if (is_locked(target) || start->count == MAX_MEMBERS - 1) return 0;
  member->target = *target, start->count++;
  return 1;
}

/* All containers of the pod that do not run. Returns 0 if one of them is not for us. */
static int list_members(struct start_of_pod *start) {
  static char buffer[32 * 1024] __attribute__((aligned(8)));
  int data = start->pod.infra.data, is_usual = 1;
  int list = (int)sys_openat(data, "containers", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  for (long size; is_usual && list >= 0 && (size = SYSCALL3(__NR_getdents64, list, buffer, sizeof buffer)) > 0;)
    for (long at = 0; is_usual && at < size; at += ((struct entry *)(buffer + at))->size) {
      const char *id = ((struct entry *)(buffer + at))->name;
      struct target target = {.data = data, .pidfd = -1};
      if (!is_id(id) || string_equal(id, start->pod.infra.id)) continue;
      append(target.id, id);
      target.folder = open_below(data, "containers", id);
      is_usual = target.folder < 0 || take_member(start, &target);
    }
  return list >= 0 && sys_close(list) >= 0 && is_usual;
}

/* The oldest first, as src/pod/store.ts has them. */
static int is_before(const char *one, const char *other) {
  while (*one && *one == *other) one++, other++;
  return (u8)*one < (u8)*other;
}

static void sort_members(struct start_of_pod *start) {
  for (u32 i = 1; i < start->count; i++)
    for (u32 j = i; j > 0 && is_before(start->members[j].created, start->members[j - 1].created); j--) {
      struct member other = start->members[j];
      start->members[j] = start->members[j - 1], start->members[j - 1] = other;
    }
}

/* The template for such containers, with what is this one's. NULL if there is none that holds. */
static struct template *member_template(const struct pod *pod, const struct member *member, char **envp, int programs) {
  char *behind;
  struct noted noted;
  u64 stamp[3];
  const char *text = read_text(member->target.folder, "config.json", &behind);
  int is_stamped = text && read_noted(text, &noted) && stamp_member(pod, text, &noted, stamp);
  if (text) release_config(text);
  struct template *template = is_stamped ? find_by_stamp(pod, "member-", stamp) : NULL;
  if (!template || !is_same_text(stamp, pod_part(template)->member)) return NULL;
  if (!fill_holes(template, (const void *const[HOLE_END]){[HOLE_ID] = member->target.id, [HOLE_SHORT_ID] = member->target.id, [HOLE_TIME] = member->created})) return NULL;
  return is_as_planned(template, envp, programs) ? template : NULL;
}

/* Finds the pod, and reads what has to be known of it before anything is done. */
static int find_pod_to_start(const char *reference, char **envp, struct start_of_pod *start) {
  struct pod_masks masks;
  const char *texts[2];
  struct pod *pod = &start->pod;
  *pod = (struct pod)NO_POD;
  pod->infra.data = open_data_folder(envp);
  if (pod->infra.data < 0) return 0;
  if (is_id(reference)) append(pod->id, reference);
  else if (!find_by_pod_name(pod->infra.data, reference, pod->id)) return because("there is no such pod: ", reference, "");
  pod->folder = open_below(pod->infra.data, "pods", pod->id);
  if (pod->folder < 0 || is_pod_going(pod) || !read_pod(pod, &pod->infra, &masks, texts)) return 0;
  const struct noted *own = &masks.own;
  int has_labels = !own->labels || own->labels[0] != '{' || own->labels[1] != '}';
  if (!own->is_plain || has_labels || !own->name || !json_text(own->name, start->name, sizeof start->name) || !is_name(start->name)) return because("the pod is not plain", "", "");
  masked_stamp(texts[1], masks.masks, NULL, start->infra_record);
  start->is_infra_alive = is_infra_running(pod);
  return start->is_infra_alive || !is_locked(&pod->infra);
}

/* Monitors are at work at the same time: more would only compete. Returns whether all run; if not, those that do stay. */
static int start_members(const struct start_of_pod *start, struct template **templates, char **envp, int programs, int *exit_code) {
  enum { AT_ONCE = 16 };
  static struct in_pod slots[AT_ONCE];
  u32 begun = 0, done = 0;
  int is_usual = 1;
  for (;;) {
    for (; is_usual && begun < start->count && begun - done < AT_ONCE; begun += (u32)is_usual) {
      const struct member *member = start->members + begun;
      is_usual = begin_in_pod(slots + begun % AT_ONCE, templates[begun], &member->target, member->name, &start->pod, envp, programs, exit_code);
    }
    if (done == begun) return is_usual;
    if (!finish_in_pod(slots + done++ % AT_ONCE)) is_usual = 0;
  }
}

/* As src/pod/start.ts. Returns what Node is to leave for the next time if it has to do it, or NULL; ends the process if all is done. */
const char *start_pod(const char *reference, char **envp, int programs) {
  static struct start_of_pod start;
  static struct template *templates[MAX_MEMBERS];
  struct pod *pod = &start.pod;
  char *none[] = {NULL}, line[2 * ID_SIZE + MAX_NAME + 32];
  struct values values = {.command = none};
  int exit_code = 0;
  if (!find_pod_to_start(reference, envp, &start) || !list_members(&start)) return NULL;
  sort_members(&start);
  struct template *of_infra = start.is_infra_alive ? NULL : find_by_stamp(pod, "infra-", start.infra_record);
  if (!start.is_infra_alive && (!of_infra || !is_as_planned(of_infra, envp, programs))) return because("there is no template yet for the infra container of the pod", "", ""), "template";
  for (u32 i = 0; i < start.count; i++) {
    templates[i] = member_template(pod, start.members + i, envp, programs);
    if (!templates[i]) return because("there is no template yet for container ", start.members[i].name, ""), "template";
    u32 host = pod_part(templates[i])->host;
    if (host && !has_address(host)) return NULL;
  }
  say_without_node();
  if (of_infra && !start_infra(of_infra, pod, envp, programs)) return NULL;
  fault_point("infra container started");
  if (!start_members(&start, templates, envp, programs, &exit_code)) return NULL;
  append(append(append(append(line, " pod.start "), pod->id), " "), start.name);
  append_event(pod->infra.data, line, &values);
  if (!exit_code && !print_result((append(append(line, pod->id), "\n"), line))) exit_code = 125;
  sys_exit(exit_code);
}
