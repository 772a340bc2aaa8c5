/* What a port leads to, as it is read from the file `next` of another command, perhaps of another version. */
#include "world.h"

#include <linux/fcntl.h>

/* A file that is another one each time. */
static long ports_call(long number, long a, long b, long c, long d, long e, long f) {
  static long changes;
  if (number != __NR_newfstatat) return syscall6(number, a, b, c, d, e, f);
  *(struct stat *)c = (struct stat){.st_ino = 1, .st_ctime = (unsigned long)++changes};
  return 0;
}
#define syscall6 ports_call
#define seen file_seen /* world.h has one */
#include "../../src/init/ports.c"
#undef syscall6
#undef seen

static void follow(char *word, u32 count) {
  static char *words[MAX_PORTS];
  for (u32 i = 0; i < count; i++) words[i] = word, word += string_length(word) + 1;
  port_count = 0;
  RUN(ports_open("/c", words, count));
  RUN(ports_follow());
}

/* The words of the start are those of the file, if it has any: so they can be any. */
int LLVMFuzzerTestOneInput(const u8 *data, size_t size) {
  begin_run_with_blob(data, size, sizeof(struct next) + 1);
  mapped[mapped_size - 1] = 0;
  follow((char *)mapped + sizeof(struct next), 1);
  for (port_count = 0; port_count < 3;) ports[port_count++] = (struct port){.fd = -1};
  RUN(ports_follow());
  end_run_with_blob();
  return 0;
}
