/* Makes a container and starts it, as src/container/run.ts does. */
#include "front.h"

#include <asm-generic/errno.h>
#include <linux/fcntl.h>

int open_events(int data) { return (int)sys_openat(data, "events", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600); }

static struct host host_of(const struct running *running) {
  const struct monitor *monitor = (const struct monitor *)running->monitor.data;
  return (struct host){.blob = (u64)monitor, .size = running->monitor.size, .steps = monitor->host_steps, .count = monitor->host_step_count,
                       .pid = running->launch.pid, .pidfd = running->launch.pidfd, .control = running->launch.control, .holder = running->network->holder,
                       .userns = -1, .output = -1, .starter = -1, .init = running->launch.init};
}

/* In the foreground this process becomes the monitor. */
static void run_in_foreground(struct running *running, char **envp) {
  struct launch *launch = &running->launch;
  u32 flags = running->run->flags;
  launch->plan = fill_plan(running->template, running->process, running->values, envp);
  struct launch_wishes wishes = {.join = joined_by(running), .clone_flags = running->run->clone_flags, .is_terminal = (flags & RUN_TERMINAL) != 0,
                                 .is_carried = !(flags & RUN_TERMINAL), .is_logged = 1, .has_input = (flags & RUN_INTERACTIVE) != 0};
  if (launch->plan < 0 || !launch_init(launch, &wishes)) return;
  fault_point("PID 1 started");
  if (wishes.join >= 0) {
    if (!wait_for_refork(launch)) return abandon(launch);
    fault_point("PID 1 in its namespaces");
  }
  struct host host = host_of(running);
  if (check_host(&host) && run_host_steps(&host) == 0) {
    fault_point("host steps done");
    if (wait_until_ready(launch)) {
      struct monitor_files files = {.folder = running->folder, .lock = running->lock, .events = open_events(running->data),
                                    .joined = running->pod ? joined_by(running) : -1, .network = running->network->holder_lock,
                                    .userns = flags & RUN_USERNS ? (int)open_user_namespace(launch->pid) : -1,
                                    .reads_input = (flags & (RUN_INTERACTIVE | RUN_TERMINAL)) != 0};
      fault_point("ready");
      ((struct monitor *)running->monitor.data)->pid = launch->pid;
      files.blob = blob_file(&running->monitor, "foster-monitor");
      fault_point("about to become the monitor");
      if (files.blob >= 0) become_monitor(launch, &files);
    }
    undo_host_steps(&host, 0);
  }
  abandon(launch);
}

void run_run(const struct run_request *request, struct template *template, struct pod *pod, int data, char **envp, int programs) {
  struct process_request process = request->process;
  struct values values = {.command = process.command};
  struct network network = NO_NETWORK;
  struct held_volumes volumes = {.count = 0};
  struct created created = {.data = data, .lock = -1, .folder = -1};
  struct running running = {.template = template, .values = &values, .network = &network, .run = run_part(template), .process = &process,
                            .data = data, .printed = created.id, .is_attached = template->kind == TEMPLATE_RUN_ATTACHED, .is_owner = 1, .unsaid_code = 125,
                            .pod = run_part(template)->pod ? pod : NULL, .launch = NO_LAUNCH};
  process.interactive = (running.run->flags & RUN_INTERACTIVE) != 0;
  if (!prepare_launch(&running.launch, programs)) return;
  if (running.pod && !enter_pod(template, pod, envp, programs, &values, &network)) return;
  if (!begin_container(template, &created) || !take_lease(template, data, running.launch.init, &values, &network)) return;
  int is_made = hold_volumes(template, data, &volumes) && create_container(template, request->name, &created, &values) &&
                !(running.pod && is_pod_going(pod)) && announce(template, &created, &values, &network);
  if (!is_made) remove_made_volumes(template, data, &volumes, 1);
  release_volumes(&volumes);
  running.folder = created.folder, running.lock = created.lock;
  if (is_made && fill_monitor(template, &process, &values, &running.monitor)) {
    if (template->kind == TEMPLATE_RUN) run_in_foreground(&running, envp);
    else run_with_monitor(&running, envp);
  }
  give_back_lease(template, &network);
  remove_created(&created);
  if (is_made) remove_made_volumes(template, data, &volumes, 0);
}
