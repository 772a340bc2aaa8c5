/* Lines of the events file: docs/state.md. */
#include "front.h"

#include <asm/stat.h>
#include <linux/fcntl.h>

enum { MAX_EVENT = 64 * 1024, MAX_EVENTS = 4 << 20 /* bytes of the file, from which TypeScript rotates it */ };

/* Two hexadecimal digits. */
char *append_octet(char *to, u32 octet) {
  *to++ = "0123456789abcdef"[octet >> 4 & 15], *to++ = "0123456789abcdef"[octet & 15];
  return *to = 0, to;
}

/* As formatEvent does: white space, `%` and `=` are percent-encoded. */
char *append_encoded(char *to, const char *text) {
  for (; *text; text++) {
    u8 byte = (u8)*text;
    if (byte > ' ' && byte <= '~' && byte != '%' && byte != '=') *to++ = *text;
    else to = append_octet(append(to, "%"), byte);
  }
  return *to = 0, to;
}

/* `text` is the line after its time, up to the command. Returns whether the file is of a size at which it can be left as it is. */
int append_event(int data, const char *text, const struct values *values) {
  static char line[2 * MAX_EVENT];
  struct stat info = {.st_size = 0};
  char *end = append_number(line, (u64)clock_ms());
  if (!(end = expand(end, line + MAX_EVENT, text, values))) return 0;
  for (char **word = values->command; *word; word++) {
    if (word != values->command) end = append(end, "%20");
    end = append_encoded(end, *word);
  }
  end = append(end, "\n");
  int file = (int)sys_openat(data, "events", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  append_line(file, line, (size_t)(end - line));
  SYSCALL2(__NR_fstat, file, &info);
  sys_close(file);
  return are_events_short(info.st_size);
}

/* Whether the file can be left as it is. */
int are_events_short(s64 size) { return size <= MAX_EVENTS || because("the events file is to be rotated", "", ""); }

int has_short_events(int data) {
  struct stat info = {.st_size = 0};
  SYSCALL4(__NR_newfstatat, data, "events", &info, 0);
  return are_events_short(info.st_size);
}
