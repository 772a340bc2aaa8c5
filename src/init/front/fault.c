/* Fault injection for tests, as in src/sys/fault.ts: FOSTER_FAULT. Packages have none. */
#include "front.h"

#ifdef FOSTER_FAULTS
static const char *wanted;
static u32 count;

void begin_faults(char **envp) { wanted = variable(envp, "FOSTER_FAULT"); }

/* Called after a step with a visible effect. */
void fault_point(const char *step) {
  char text[160];
  if (!wanted) return;
  count++;
  if (string_equal(wanted, "count")) {
    char *end = append(append(append(append_number(append(text, "fault point "), count), ": "), step), "\n");
    sys_write(2, text, (size_t)(end - text));
  } else if (read_number(wanted) == count) {
    sys_kill((int)sys_getpid(), SIGKILL);
  } else if (wanted[0] == 's' && string_length(wanted) > 5 && read_number(wanted + 5) == count) { /* stop:N */
    sys_kill((int)sys_getpid(), SIGSTOP);
  }
}
#else
void begin_faults(char **envp) { (void)envp; }
void fault_point(const char *step) { (void)step; }
#endif
