/* Templates of an exec and of a run, as the front finds them in a file, and what it makes of them. */

/* Of process-stat.c, which is linked for others: here, what it says is made up. */
#define is_running_process made_up_is_running_process
#include "world.h"

void *calloc(size_t count, size_t size);

/* linux/stat.h leaves them to the C library, whose header is in the way of the kernel's. */
#define S_IFMT 00170000
#define S_IFDIR 0040000

enum { MAX_ROOMS = 2 };
static void *rooms[MAX_ROOMS];
static int room_count;

/* Each folder has one lease, whose file is named by the input. */
static long list_a_lease(char *to) {
  static int is_listed;
  if ((is_listed = !is_listed) == 0) return 0;
  memset(to, 0, 128);
  *(unsigned short *)(to + 16) = 128;
  take_some(to + 19, 100);
  return 128;
}

static long front_call(long number, long a, long b, long c, long d, long e, long f) {
  if (number == __NR_mmap) return (long)(rooms[room_count++] = calloc(1, (size_t)b));
  if (number == __NR_write) return look((const void *)b, (size_t)c), c;
  if (number == __NR_getdents64) return list_a_lease((void *)b);
  if (number == __NR_connect || number == __NR_getsockname) return 0;
  if (number == __NR_memfd_create) return look_at_text((const char *)a), 9;
  if (number == __NR_getrandom) return memset((void *)a, 7, (size_t)b), b;
  if (number == __NR_uname || number == __NR_getcwd) return *(char *)a = 0, 1;
  return syscall6(number, a, b, c, d, e, f);
}
#define syscall6 front_call
#include "../../src/init/front/create.c"
#include "../../src/init/front/events.c"
#include "../../src/init/front/exec-args.c"
#include "../../src/init/front/fault.c"
#include "../../src/init/front/fill.c"
#include "../../src/init/front/json.c"
#include "../../src/init/front/network.c"
#include "../../src/init/front/owner.c"
#include "../../src/init/front/run-args.c"
#include "../../src/init/front/run-template.c"
#include "../../src/init/front/template.c"
#include "../../src/init/front/why.c"
#include "../../src/init/front/volumes.c"
#undef syscall6

/* holder.c, which starts processes: the steps are read as it does. run_host_steps() has a fuzzer of its own. */
int needs_new_recipe;
int make_holder(struct template *template, const struct template_network *part, const struct network *network, int init) {
  const struct host host = {.blob = (u64)template + part->recipe, .size = part->recipe_size, .steps = part->recipe_steps, .count = part->recipe_count, .init = init};
  return part->recipe_count && network->folder >= 0 && check_host(&host);
}

/* find.c */
int is_own(int fd, u32 type, struct stat *info) { return fd + (int)type > 0 && info; }
s64 own_file_size(int fd) { return fd; }
int is_name(const char *text) { return look_at_text(text), 1; }
int exists(int folder, const char *name) { return look_at_text(name), folder < 0; }
int lock_file(int fd, short kind) { return fd + kind != 0; }
int is_running_process(int pid, const char *start) { return look_at_text(start), pid > 0; }
int is_exiting(int pid) { return pid % 2; }

/* record.c, id-maps.c */
const char *read_text(int folder, const char *name, char **behind) {
  static char text[256];
  take_some(text, sizeof text - 1);
  return look_at_text(name), *behind = text + sizeof text - 1, folder % 2 ? text : NULL;
}
int map_ids(const struct record *record, const struct launch *launch) {
  return look_at_text(record->uid_map), look_at_text(record->gid_map), launch->pid > 0;
}

/* pod.c */
int find_pod(struct template *template, int data, struct pod *pod) {
  const struct template_pod *part = (const struct template_pod *)((const char *)template + run_part(template)->pod);
  look_at_text(template_text(template, part->reference)), look_at_text(template_text(template, part->id)), look_at_text(template_text(template, part->infra));
  memset(pod->id, 'a', ID_SIZE), memset(pod->infra.id, 'b', ID_SIZE);
  return data && fill_holes(template, (const void *const[HOLE_END]){[HOLE_POD] = pod->id, [HOLE_SHORT_POD] = pod->id, [HOLE_INFRA] = pod->infra.id,
                                                                    [HOLE_SHORT_INFRA] = pod->infra.id});
}

static void free_rooms(void) {
  while (room_count > 0) free(rooms[--room_count]);
}

static void fill(struct template *template, const char *program) {
  const char *words[] = {program, "argument\n\"", NULL}, *caller[] = {"TERM=xterm", "A=b", NULL};
  struct process_request request = {.terminal = 1, .command = (char **)words, .overrides = {"A=c", "NEW=1"}, .override_count = 2};
  struct values values = {.texts = {[CODE_NAME] = "a_name", [CODE_ADDRESS] = "10.88.0.2"}, .command = (char **)words};
  struct builder builder;
  int is_run = template->kind >= TEMPLATE_RUN;
  room_count = 0;
  RUN(fill_plan(template, &request, &values, (char **)caller); fill_monitor(template, &request, is_run ? &values : NULL, &builder));
  free_rooms();
}

static void create(struct template *template) {
  static int is_whole;
  const char *options[] = {"--rm", "--name", "given", "busybox", "true", NULL}, *caller[] = {"A=b", NULL};
  struct run_request request = {.word_count = 0};
  struct created created = {.data = 3, .lock = -1, .folder = -1};
  if (!parse_run((char **)options, &request)) return;
  RUN(look_at_text(has_words(template, &request, request.name != NULL) ? "" : "x"); has_caller(template));
  RUN(has_variables(template, (char **)caller); has_files(template));
  struct values values = {.command = request.process.command};
  struct network network = NO_NETWORK;
  struct pod pod = NO_POD;
  is_whole = !run_part(template)->pod;
  if (!is_whole) RUN(is_whole = find_pod(template, 3, &pod));
  if (!is_whole) return;
  is_whole = 0;
  RUN(is_whole = begin_container(template, &created));
  if (!is_whole) return;
  is_whole = 0;
  RUN(is_whole = take_lease(template, 3, 5, &values, &network));
  if (!is_whole) return;
  struct held_volumes volumes = {.count = 0};
  RUN(hold_volumes(template, 3, &volumes); release_volumes(&volumes));
  RUN(remove_made_volumes(template, 3, &volumes, 1));
  RUN(remove_made_volumes(template, 3, &volumes, 0));
  RUN(create_container(template, request.name, &created, &values); announce(template, &created, &values, &network));
  fill(template, "ls"); /* the holes may be anywhere */
  RUN(give_back_lease(template, &network); remove_created(&created));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size) {
  if (size < sizeof(struct template)) return 0;
  struct template *template = malloc(size);
  memcpy(template, data, size);
  template->magic = TEMPLATE_MAGIC, template->version = VERSION, template->size = (u32)size;
  begin_run(data, size);
  if (is_well_formed(template, (u32)size) && (template->kind < TEMPLATE_RUN || is_run_whole(template))) {
    if (template->kind != TEMPLATE_NONE) fill(template, "ls"), fill(template, "/bin/ls");
    if (template->kind >= TEMPLATE_RUN && template->kind != TEMPLATE_NONE) create(template);
  }
  free(template);
  return 0;
}
