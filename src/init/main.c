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

int run_mode(int argc, char **argv) {
  reset_signals();
  SYSCALL2(__NR_prctl, PR_SET_NAME, "foster-init");
  if (argc > 1 && string_equal(argv[1], "monitor")) return run_monitor();
  if (argc > 1 && string_equal(argv[1], "remove")) return run_remove();
  if (argc > 1 && string_equal(argv[1], "attach")) return run_client(argc, argv);
  if (argc > 1 && string_equal(argv[1], "storage")) return run_storage(argc, argv);
  if (argc > 3 && string_equal(argv[1], "enter")) return run_enter(argv);
  if (argc > 1 && string_equal(argv[1], "forward")) return run_forward(argc, argv);
  if (argc > 1 && string_equal(argv[1], "network")) return run_network_holder();
  if (argc > 6 && string_equal(argv[1], "serve")) return run_service(argv);
  if (argc > 4 && string_equal(argv[1], "attend")) return run_attendant(argv);
  if (argc == 1) return run_plan(0);
  if (argc == 3 && string_equal(argv[1], "resume")) return run_plan(read_number(argv[2]));
  return 125;
}

#ifndef FOSTER_FUZZ
#include "entry-point.h"

__attribute__((used)) _Noreturn void start(long *stack) { sys_exit(run_mode((int)stack[0], (char **)(stack + 1))); }
#endif
