/* Handles the reports of PID 1 in the monitor. */
#include "monitor.h"

#include <asm-generic/errno.h>
#include <linux/fcntl.h>

static void record_event(const char *action, const struct report *about) {
  static s64 second;
  static u32 in_second;
  s64 now = now_ms() / 1000;
  if (now != second) second = now, in_second = 0;
  if (++in_second > EVENTS_A_SECOND || state_events_full()) return; /* the file `counts` still has the totals */
  char text[96], *end = append_number(append(text, "pid="), (u64)about->value);
  if (about->kind == REPORT_REAPED) end = append_number(append(end, " status="), (u64)exit_code((int)about->extra));
  end = append(end, " comm=");
  char name[sizeof about->name];
  for (size_t i = 0; i < sizeof name; i++) { /* a process may choose a name with spaces or newlines */
    char c = about->name[i];
    name[i] = c > ' ' && c < 0x7f && c != '%' ? c : c ? '_' : 0;
  }
  name[sizeof name - 1] = 0;
  append(end, name);
  monitor_event(action, text);
}

/* PID 1 continues as another process (refork), also a child of ours. */
static void follow(int pid) {
  SYSCALL4(__NR_wait4, run.container.pid, NULL, 0, NULL);
  run.container.pid = pid;
  set_descriptor(SYSCALL2(__NR_pidfd_open, pid, 0), FD_PIDFD);
}

static const struct failure *failure_of(s64 error) {
  const struct failure *failure = (const struct failure *)monitor_text(run.config->failures);
  for (u32 i = 0; i < run.config->failure_count; i++, failure++)
    if (!failure->error || failure->error == error) return failure;
  return NULL;
}

static void handle_exec_failure(s64 error) {
  const struct failure *failure = failure_of(error);
  if (!failure) return;
  run.exec_code = failure->exit_code;
  if (run.has_caller) caller_print(monitor_text(failure->text));
}

u32 handle_report(void) {
  struct report report;
  long size;
  do size = receive_message(run.container.control, &report, sizeof report, 0);
  while (size == -EINTR);
  if (size != sizeof report) return 0;
  report.name[sizeof report.name - 1] = 0;
  switch (report.kind) {
    case REPORT_REFORKED:
      if (!run.is_set_up) follow((int)report.value);
      return report.kind;
    case REPORT_ADOPTED:
    case REPORT_REAPED:
      if (run.has_caller) caller_print_event(&report);
      else record_event(report.kind == REPORT_ADOPTED ? "adopt" : "reap", &report);
      return report.kind;
    case REPORT_COUNTS:
      if (run.has_record) state_counts((u64)report.value, (u64)report.extra);
      return report.kind;
    case REPORT_STOPPED:
      stop_with_container();
      break;
    case REPORT_EXEC_FAILED:
      handle_exec_failure(report.value);
      break;
    default:
      break;
  }
  notify_starter(&report);
  return report.kind;
}
