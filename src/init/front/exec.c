/* Starts the process in the container and becomes its monitor, as src/container/exec.ts does. */
#include "front.h"

#include <asm-generic/errno.h>
#include <linux/fcntl.h>

/* Lets the program start. Returns whether it runs; it is then a child of the container's PID 1. */
static int start_detached(struct launch *launch) {
  struct report report = {.kind = 0};
  sys_send(launch->control, (char[]){CONTROL_START}, 1, 0);
  u32 kind = receive(launch, &report); /* its execution closes the socket */
  if (kind == REPORT_EXEC_FAILED || (kind == 0 && is_signaled())) return 0;
  SYSCALL4(__NR_wait4, launch->pid, NULL, 0, NULL);
  return 1;
}

/* Its monitor is a process of its own. */
static void run_in_terminal(const struct exec_request *request, const struct target *target, char **envp, int programs) {
  struct values values = {.command = request->process.command};
  struct running running = {.template = target->template, .values = &values, .process = &request->process, .data = target->data, .folder = -1, .lock = -1,
                            .is_owner = 1, .joined = target, .launch = NO_LAUNCH};
  if (prepare_launch(&running.launch, programs) && fill_monitor(target->template, &request->process, NULL, &running.monitor)) run_detachable(&running, envp);
}

void run_exec(const struct exec_request *request, const struct target *target, char **envp, int programs) {
  const struct process_request *process = &request->process;
  struct values values = {.command = process->command};
  struct launch launch = {.init = -1, .plan = -1, .control = -1, .console = -1, .streams = {-1, -1, -1}, .pidfd = -1};
  const struct template *template = target->template;
  if (is_long(process->command) || !can_quote(process->command[0])) return;
  if (is_detachable(process)) return run_in_terminal(request, target, envp, programs);
  launch.plan = fill_plan(template, process, &values, envp);
  if (!prepare_launch(&launch, programs)) return;
  struct launch_wishes wishes = {.join = target->pidfd, .is_terminal = process->terminal, .has_input = process->interactive,
                                 .is_carried = !process->terminal && !request->detached};
  if (launch_init(&launch, &wishes) && wait_until_ready(&launch)) {
    struct builder monitor;
    append_event(target->data, template_text(template, template->event), &values);
    if (request->detached && start_detached(&launch)) sys_exit(0);
    if (!request->detached && fill_monitor(template, process, NULL, &monitor)) {
      ((struct monitor *)monitor.data)->pid = launch.pid;
      /* of a terminal, the monitor sets the modes */
      become_monitor(&launch, &(struct monitor_files){.blob = blob_file(&monitor, "foster-monitor"), .folder = -1, .userns = -1, .lock = -1,
                                                     .events = -1, .joined = -1, .network = -1, .reads_input = process->interactive || process->terminal});
    }
  }
  abandon(&launch);
}
