/* Starts a container that exists, as src/container/start.ts does. */
#include "pod.h"

#include <asm-generic/errno.h>
#include <asm/stat.h>
#include <linux/fcntl.h>

/* `argv` begins with the word after `start`. Returns 0 if this is not for us. */
int parse_start(char **argv, struct start_request *request) {
  for (; *argv && **argv == '-'; argv++) {
    const char *word = *argv;
    if (string_equal(word, "--attach")) request->is_attached = 1;
    else if (string_equal(word, "--interactive")) request->has_input = 1;
    else if (word[1] == '-' || !word[1]) return because("option ", word, " is Node's");
    else
      while (*++word)
        if (*word == 'a') request->is_attached = 1;
        else if (*word == 'i') request->has_input = 1;
        else return because("option ", word - 1, " is Node's");
  }
  if (!argv[0] || argv[1] || string_length(*argv) > MAX_NAME) return 0;
  request->container = *argv;
  request->is_attached |= request->has_input;
  return 1;
}

/* Files of the last start, which a new one makes untrue: STALE in background.ts. How it has ended stays until it runs again. */
static void remove_stale(int folder) {
  static const char *const names[] = {"stopped", "shutdown", "stopping", "paused", "counts", "health", "oom", "limits", "next", NULL};
  for (const char *const *name = names; *name; name++) SYSCALL3(__NR_unlinkat, folder, *name, 0);
  if (!exists(folder, "exit")) SYSCALL3(__NR_unlinkat, folder, "live", 0);
  fault_point("stale files removed");
}

void run_start(const struct start_request *request, const struct target *target, struct pod *pod, char **envp, int programs) {
  char *none[] = {NULL};
  struct process_request process = {.interactive = request->has_input, .command = none};
  struct values values = {.command = none};
  struct network network = NO_NETWORK;
  struct running running = {.values = &values, .network = &network, .template = target->template, .run = run_part(target->template), .process = &process, .data = target->data,
                            .lock = hold_lock(target), .printed = request->container, .is_attached = request->is_attached,
                            .failure_code = request->is_attached ? 0 : 1, .unsaid_code = 1, .restarted = request->restarted, .pod = run_part(target->template)->pod ? pod : NULL, .launch = NO_LAUNCH};
  /* with the lock, it is what it was */
  if (running.lock < 0 || !has_record(target->folder, target->template)) return;
  if (exists(target->folder, "networks") != (running.run->network != 0) || !prepare_launch(&running.launch, programs)) return;
  if (running.pod && !enter_pod(target->template, pod, envp, programs, &values, &network)) return;
  running.folder = (int)sys_openat(target->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  struct created created = {.data = target->data, .folder = running.folder};
  append(created.id, target->id);
  if (running.folder < 0 || !take_lease(target->template, target->data, running.launch.init, &values, &network)) return;
  if (announce(target->template, &created, &values, &network) && fill_monitor(running.template, &process, &values, &running.monitor)) {
    remove_stale(target->folder);
    run_with_monitor(&running, envp);
  }
  give_back_lease(target->template, &network);
}

static char *nothing_more[] = {NULL};

/* By a template in the folder of all. Returns whether its monitor is at work; it is to be finished then. `name`: NULL for an infra container. */
int begin_in_pod(struct in_pod *one, struct template *template, const struct target *target, const char *name, const struct pod *pod, char **envp, int programs, int *exit_code) {
  struct running *running = &one->running;
  int is_infra = target == &pod->infra;
  one->process = (struct process_request){.command = nothing_more};
  one->values = (struct values){.texts = {[CODE_NAME] = name}, .command = nothing_more};
  one->network = (struct network)NO_NETWORK;
  *running = (struct running){.values = &one->values, .network = &one->network, .template = template, .run = run_part(template), .process = &one->process, .data = target->data,
                              .folder = -1, .lock = hold_lock(target), .pod = is_infra ? NULL : pod, .is_on_the_way = 1, .exit_code = exit_code, .launch = NO_LAUNCH};
  const char *cgroups = template_text(template, running->run->cgroups);
  /* with the lock, it is what it was */
  if (running->lock < 0 || !is_as_in_pod(template, pod, target)) return 0;
  if ((exists(target->folder, "networks") && !running->run->network) || (exists(target->folder, "cgroups") && !*cgroups)) return 0;
  if (!is_infra && !hold_pod_network(pod_part(template), pod, &one->values, &one->network)) return 0;
  running->folder = (int)sys_openat(target->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  struct created created = {.data = target->data, .folder = running->folder};
  append(created.id, target->id);
  if (running->folder < 0 || !prepare_launch(&running->launch, programs) || !take_lease(template, target->data, running->launch.init, &one->values, &one->network)) return 0;
  if (announce(template, &created, &one->values, &one->network) && fill_monitor(template, &one->process, &one->values, &running->monitor)) {
    remove_stale(target->folder);
    if ((!*cgroups || write_file(&created, "cgroups", cgroups, string_length(cgroups), 0)) && begin_with_monitor(running, envp)) return 1;
  }
  give_back_lease(template, &one->network);
  return release_launch(running), 0;
}

/* Returns whether it runs, or its program cannot be executed, which has been said then. */
int finish_in_pod(struct in_pod *one) {
  int runs = finish_with_monitor(&one->running);
  if (runs) close_network(&one->network);
  else give_back_lease(one->running.template, &one->network);
  return release_launch(&one->running), runs;
}
