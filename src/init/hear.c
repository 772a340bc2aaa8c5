/* What PID 1 reports, as the monitor takes it. */
#include "monitor.h"

#include <asm-generic/errno.h>
#include <linux/fcntl.h>

#define EVENTS_A_SECOND 100

static void record_event(const char *action, const struct report *about) {
  static s64 second;
  static u32 in_second;
  s64 now = now_ms() / 1000;
  if (now != second) second = now, in_second = 0;
  if (++in_second > EVENTS_A_SECOND || state_events_full()) return; /* `counts` still tells how many there were */
  char text[96], *end = append_number(append(text, "pid="), (u64)about->value);
  if (about->kind == REPORT_REAPED) end = append_number(append(end, " status="), (u64)exit_code((int)about->extra));
  end = append(end, " comm=");
  char name[sizeof about->name];
  for (size_t i = 0; i < sizeof name; i++) { /* a line stays a line, a word a word, whatever a process is called */
    char c = about->name[i];
    name[i] = c > ' ' && c < 0x7f && c != '%' ? c : c ? '_' : 0;
  }
  name[sizeof name - 1] = 0;
  append(end, name);
  monitor_event(action, text);
}

/* PID 1 goes on in another process, a child of ours too. */
static void follow(int pid) {
  SYSCALL4(__NR_wait4, life.container.pid, NULL, 0, NULL);
  life.container.pid = pid;
  set_descriptor(SYSCALL2(__NR_pidfd_open, pid, 0), FD_PIDFD);
}

static const struct failure *failure_of(s64 error) {
  const struct failure *failure = (const struct failure *)monitor_text(life.config->failures);
  for (u32 i = 0; i < life.config->failure_count; i++, failure++)
    if (!failure->error || failure->error == error) return failure;
  return NULL;
}

static void take_exec_failure(s64 error) {
  const struct failure *failure = failure_of(error);
  if (!failure) return;
  life.exec_code = failure->exit_code;
  if (life.has_caller) caller_explain(monitor_text(failure->text));
}

u32 take_report(void) {
  struct report report;
  long size;
  do size = sys_read(life.container.control, &report, sizeof report);
  while (size == -EINTR);
  if (size != sizeof report) return 0;
  report.name[sizeof report.name - 1] = 0;
  switch (report.kind) {
    case REPORT_REFORKED:
      if (!life.is_set_up) follow((int)report.value);
      return report.kind;
    case REPORT_ADOPTED:
    case REPORT_REAPED:
      if (life.has_caller) caller_show_event(&report);
      else record_event(report.kind == REPORT_ADOPTED ? "adopt" : "reap", &report);
      return report.kind;
    case REPORT_COUNTS:
      if (life.is_kept) state_counts((u64)report.value, (u64)report.extra);
      return report.kind;
    case REPORT_STOPPED:
      stop_with_container();
      break;
    case REPORT_EXEC_FAILED:
      take_exec_failure(report.value);
      break;
    default:
      break;
  }
  tell_starter(&report);
  return report.kind;
}
