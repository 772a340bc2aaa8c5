/* foster-init: PID 1 of a container, its monitor, a client that is attached to it, and other helpers. The first argument
 * says which of them; descriptors 3 and 4 say what to do (wire.h). */
#include "init.h"
#include "program.h"

#include <linux/mman.h>
#include <linux/prctl.h>
#include <asm/stat.h>

/* Maps a blob, privately and writable. Returns NULL if it is not a valid one. */
void *map_blob(int fd, size_t least) {
  struct stat info;
  if (SYSCALL2(__NR_fstat, fd, &info) < 0 || (size_t)info.st_size < least) return NULL;
  long at = syscall6(__NR_mmap, 0, (long)info.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  if (at < 0 && at > -4096) return NULL;
  const u32 *head = (const u32 *)at;
  return head[0] == MAGIC && head[1] == VERSION && head[2] == info.st_size ? (void *)at : NULL;
}

#define QUOTE(word) #word
#define NAME_OF(version) "foster wire " QUOTE(version)

int run_mode(int argc, char **argv) {
  reset_signals();
  SYSCALL2(__NR_prctl, PR_SET_NAME, "foster-init");
  if (argc > 1 && string_equal(argv[1], "monitor")) return run_monitor();
  if (argc > 1 && string_equal(argv[1], "remove")) return run_remove();
  if (argc > 1 && string_equal(argv[1], "attach")) return run_client(argc, argv);
  if (argc > 1 && string_equal(argv[1], "storage")) return run_storage(argc, argv);
  if (argc > 3 && string_equal(argv[1], "enter")) return run_enter(argv);
  if (argc > 3 && string_equal(argv[1], "forward")) return run_forward(argc, argv);
  if (argc > 1 && string_equal(argv[1], "network")) return run_network_holder();
  if (argc > 6 && string_equal(argv[1], "serve")) return run_service(argv);
  if (argc > 4 && string_equal(argv[1], "attend")) return run_attendant(argv);
  /* Nobody executes it so: commands look for this text in the file of a monitor that runs (src/container/monitor-version.ts). */
  if (argc > 1 && string_equal(argv[1], NAME_OF(VERSION))) return 0;
  if (argc == 1) return run_plan(argv[2] == NULL ? 0 : read_number(argv[2])); /* its environment: renew in plan.c */
  return 125;
}

#ifndef FOSTER_FUZZ
#include "entry-point.h"

enum { FEW = 4 };
static long few[FEW]; /* of our stack: as at its end, where it is written over */

static void run_with_few(void) { sys_exit(run_mode((int)few[0], (char **)(few + 1))); }

/* PID 1 and the monitor, which have few arguments, may run for weeks. */
__attribute__((used)) _Noreturn void start(long *stack) {
  char **argv = (char **)(stack + 1);
  int is_few = stack[0] == 1 || stack[0] == 2;
  for (int i = 0; is_few && i < FEW; i++) few[i] = stack[i];
  if (is_few) continue_below(argv[0], run_with_few);
  sys_exit(run_mode((int)stack[0], argv));
}
#endif
