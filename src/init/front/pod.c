/* The pod of a container. A template holds for every pod whose record, and that of its infra container, say the same but for ids and times:
 * src/container/pod-template.ts. */
#include "pod.h"

#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

int open_below(int data, const char *folder, const char *id) {
  char path[ID_SIZE + 32];
  append(append(append(path, folder), "/"), id);
  return (int)sys_openat(data, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
}

/* Returns the texts of both records. `infra` has its folder from the first time on. */
int read_pod(const struct pod *pod, struct target *infra, struct pod_masks *masks, const char *texts[2]) {
  char *behind;
  struct noted *own = &masks->own, *of_infra = &masks->infra, of_pod;
  texts[0] = read_text(pod->folder, "config.json", &behind), texts[1] = NULL;
  if (!texts[0] || !read_noted(texts[0], own) || !string_equal(own->id, pod->id) || !own->infra || !read_noted(own->infra, &of_pod)) return 0;
  if (infra->folder < 0) {
    append(infra->id, of_pod.id);
    infra->folder = open_below(infra->data, "containers", infra->id);
  }
  if (infra->folder >= 0 && string_equal(infra->id, of_pod.id)) texts[1] = read_text(infra->folder, "config.json", &behind);
  if (!texts[1] || !read_noted(texts[1], of_infra) || !string_equal(of_infra->id, infra->id)) return 0;
  const struct mask all[] = {{own->id, ID_SIZE, POD_MASK_ID},         {of_infra->id, ID_SIZE, POD_MASK_INFRA},
                             {own->id, SHORT_ID, POD_MASK_SHORT_ID},  {of_infra->id, SHORT_ID, POD_MASK_SHORT_INFRA},
                             {own->created, TIME_SIZE, POD_MASK_CREATED}, {of_infra->created, TIME_SIZE, POD_MASK_CREATED}};
  for (u32 i = 0; i < MASKS; i++) masks->masks[i] = i < sizeof all / sizeof *all ? all[i] : (struct mask){.text = NULL};
  return 1;
}

/* What both records say, with masks. */
static int stamp_records(const struct pod *pod, struct target *infra, u64 record[3], u64 infra_record[3]) {
  struct pod_masks masks;
  const char *texts[2];
  if (!read_pod(pod, infra, &masks, texts)) return 0;
  masked_stamp(texts[0], masks.masks, NULL, record);
  masked_stamp(texts[1], masks.masks, NULL, infra_record);
  return 1;
}

/* The same of a container of the pod, whose record is `text`. */
int stamp_member(const struct pod *pod, const char *text, const struct noted *noted, u64 stamp[3]) {
  struct pod_masks masks;
  struct target infra = pod->infra;
  const char *texts[2];
  if (!read_pod(pod, &infra, &masks, texts)) return 0;
  const struct mask own[] = {{noted->id, ID_SIZE, POD_MASK_MEMBER}, {noted->id, SHORT_ID, POD_MASK_SHORT_MEMBER}, {noted->created, TIME_SIZE, POD_MASK_CREATED}};
  enum { OWN = sizeof own / sizeof *own };
  for (u32 i = MASKS; i-- > OWN;) masks.masks[i] = masks.masks[i - OWN];
  for (u32 i = 0; i < OWN; i++) masks.masks[i] = own[i];
  masked_stamp(text, masks.masks, noted->name, stamp);
  return 1;
}

static int is_pod_as_planned(const struct template *template, const struct pod *pod) {
  const struct template_pod *part = pod_part(template);
  struct target infra = pod->infra;
  u64 record[3], infra_record[3];
  return stamp_records(pod, &infra, record, infra_record) && is_same_text(record, part->record) && is_same_text(infra_record, part->infra_record);
}

/* Whether a container says what that one said which has left the template. */
static int is_member_as_planned(const struct template *template, const struct pod *pod, const struct target *target) {
  char *behind;
  struct noted noted;
  u64 stamp[3];
  const char *text = read_text(target->folder, "config.json", &behind);
  if (!text || !read_noted(text, &noted) || !string_equal(noted.id, target->id)) return 0;
  return stamp_member(pod, text, &noted, stamp) && is_same_text(stamp, pod_part(template)->member);
}

/* Whether a container of a pod, or its infra container, is as its template has it: that is in the folder of all. */
int is_as_in_pod(const struct template *template, const struct pod *pod, const struct target *target) {
  if (!is_pod_as_planned(template, pod)) return 0;
  return target == &pod->infra || is_member_as_planned(template, pod, target);
}

static int has_start(const char *text, const char *start) {
  while (*start && *text == *start) text++, start++;
  return !*start;
}

/* What its name is a link to: ../pods/ID. */
int find_by_pod_name(int data, const char *name, char id[ID_SIZE + 1]) {
  static const char start[] = "../pods/";
  char path[MAX_NAME + 32], link[128] = "";
  if (!is_name(name)) return 0;
  append(append(path, "names/"), name);
  long size = SYSCALL4(__NR_readlinkat, data, path, link, sizeof link - 1);
  if (size != sizeof start - 1 + ID_SIZE || !has_start(link, start) || !is_id(link + sizeof start - 1)) return 0;
  return append(id, link + sizeof start - 1) != NULL;
}

static int fill_pod(struct template *template, const struct pod *pod) {
  return fill_holes(template, (const void *const[HOLE_END]){[HOLE_POD] = pod->id, [HOLE_SHORT_POD] = pod->id, [HOLE_INFRA] = pod->infra.id,
                                                            [HOLE_SHORT_INFRA] = pod->infra.id});
}

/* Finds the pod for which a template is to be used, and fills its ids in. Returns 0 if it is not made as the one of the template was. */
int find_pod(struct template *template, int data, struct pod *pod) {
  const struct template_pod *part = pod_part(template);
  const char *reference = template_text(template, part->reference), *id = template_text(template, part->id);
  u64 record[3], infra_record[3];
  pod->infra.data = data;
  if (*reference ? !find_by_pod_name(data, reference, pod->id) : !is_id(id)) return because("there is no such pod: ", reference, "");
  if (!*reference) append(pod->id, id);
  pod->folder = open_below(data, "pods", pod->id);
  if (pod->folder < 0 || !stamp_records(pod, &pod->infra, record, infra_record)) return 0;
  if (!is_same_text(record, part->record) || !is_same_text(infra_record, part->infra_record)) return because("its template is of a pod that was made in another way", "", "");
  return fill_pod(template, pod);
}

/* Who removes a pod says so first, and then looks for its containers. */
int is_pod_going(const struct pod *pod) { return exists(pod->folder, "removing") || !exists(pod->folder, "config.json"); }

/* A template in the folder of all, by what the record of its container says. */
struct template *find_by_stamp(const struct pod *pod, const char *kind, const u64 stamp[3]) {
  char name[32];
  struct stat info;
  int folder = (int)sys_openat(pod->infra.data, "templates", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  if (folder < 0 || !is_own(folder, S_IFDIR, &info)) return NULL;
  append_key(append(name, kind), stamp[1] << 32 | stamp[2]);
  struct template *template = read_template(folder, name);
  if (template) SYSCALL4(__NR_utimensat, folder, name, NULL, AT_SYMLINK_NOFOLLOW);
  sys_close(folder);
  if (!template || template->kind != TEMPLATE_START || !is_run_whole(template) || !run_part(template)->pod) return NULL;
  return is_pod_as_planned(template, pod) && fill_pod(template, pod) ? template : NULL;
}

/* Its PID 1 is open then. */
int is_infra_running(struct pod *pod) {
  const struct target *infra = &pod->infra;
  if (exists(infra->folder, "exit") || exists(infra->folder, "paused") || !open_init(&pod->infra)) return 0;
  return !is_exiting(pod->infra.pid);
}

/* Its PID 1 is open then. */
int start_infra(struct template *template, struct pod *pod, char **envp, int programs) {
  struct in_pod infra;
  return begin_in_pod(&infra, template, &pod->infra, NULL, pod, envp, programs, NULL) && finish_in_pod(&infra) && is_infra_running(pod);
}

/* Opens the process that has the namespaces of the pod, which is started if it does not run. Returns 0 if that is to be done by Node. */
int enter_pod(const struct template *template, struct pod *pod, char **envp, int programs, struct values *values, struct network *network) {
  const struct template_pod *part = pod_part(template);
  if (part->host && !has_address(part->host)) return because("the machine has another address than when its template was made", "", "");
  if (is_pod_going(pod)) return 0;
  if (is_infra_running(pod)) return hold_pod_network(part, pod, values, network);
  struct template *of_infra = find_by_stamp(pod, "infra-", part->infra_record);
  if (!of_infra || !is_as_planned(of_infra, envp, programs)) return because("there is no template yet for the infra container of the pod", "", "");
  if (!start_infra(of_infra, pod, envp, programs)) return 0;
  return hold_pod_network(part, pod, values, network);
}
