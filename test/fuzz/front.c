/* Templates of an exec, as the front finds them in a file, and what it makes of them. */
#include "world.h"

void *calloc(size_t count, size_t size);

enum { MAX_ROOMS = 2 };
static void *rooms[MAX_ROOMS];
static int room_count;

static long front_call(long number, long a, long b, long c, long d, long e, long f) {
  if (number == __NR_mmap) return (long)(rooms[room_count++] = calloc(1, (size_t)b));
  if (number == __NR_write) return look((const void *)b, (size_t)c), c;
  if (number == __NR_memfd_create) return look_at_text((const char *)a), 9;
  return syscall6(number, a, b, c, d, e, f);
}
#define syscall6 front_call
#include "../../src/init/front/args.c"
#include "../../src/init/front/fill.c"
#include "../../src/init/front/template.c"
#undef syscall6

/* find.c */
s64 own_file_size(int fd) { return fd; }

static void fill(const struct template *template, const char *program) {
  const char *words[] = {program, "argument", NULL}, *caller[] = {"TERM=xterm", NULL};
  struct exec_request request = {.terminal = 1, .command = (char **)words, .overrides = {"A=c", "NEW=1"}, .override_count = 2};
  room_count = 0;
  RUN(fill_plan(template, &request, (char **)caller); fill_monitor(template, &request, 7));
  while (room_count > 0) free(rooms[--room_count]);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size) {
  if (size < sizeof(struct template)) return 0;
  struct template *template = malloc(size);
  memcpy(template, data, size);
  template->magic = TEMPLATE_MAGIC, template->version = VERSION, template->size = (u32)size;
  begin_run(data, size);
  if (is_well_formed(template, (u32)size, template->kind)) fill(template, "ls"), fill(template, "/bin/ls");
  free(template);
  return 0;
}
