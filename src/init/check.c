/* Validates blobs. They come from foster itself, in memory that no other program can write to, but no offset, count or
 * text is used before it is known to lie within the blob. */
#include "init.h"

#define MAX_LOG_FILES 100000
#define MAX_STOP_TIMEOUT_MS 60000
#define MAX_NETLINK_SIZE 65536

struct blob {
  const char *start;
  u64 size;
};

static int has(const struct blob *blob, u64 offset, u64 count, u64 each) {
  return offset <= blob->size && count <= (blob->size - offset) / each;
}

/* Returns the offset after the NUL-terminated text at `offset`; 0 if it is not terminated. */
static u64 text_end(const struct blob *blob, u64 offset) {
  for (; offset < blob->size; offset++)
    if (!blob->start[offset]) return offset + 1;
  return 0;
}

/* Whether there are texts up to an empty one. An offset of 0 means that there are none. */
static int has_words(const struct blob *blob, u64 offset) {
  if (!offset) return 1;
  for (u64 next; (next = text_end(blob, offset)); offset = next)
    if (next == offset + 1) return 1;
  return 0;
}

static int has_three_texts(const struct blob *blob, u64 offset) {
  for (int i = 0; i < 3; i++)
    if (!(offset = text_end(blob, offset))) return 0;
  return 1;
}

static int has_text(const struct blob *blob, u64 offset) { return !offset || text_end(blob, offset); }

/* The result of a step must not overwrite a step or the header of the plan. */
static int is_result_slot(const struct blob *blob, const struct plan *plan, u64 offset, u64 steps_end) {
  if (offset % 4 || offset < sizeof *plan || !has(blob, offset, 1, sizeof(s32))) return 0;
  return offset + sizeof(s32) <= plan->steps || offset >= steps_end;
}

/* Whether an argument points to memory of the size that is the next one. */
static int has_memory(const struct blob *blob, const struct step *step, u32 argument, u32 alignment) {
  u64 at = step->arguments[argument], size = step->arguments[argument + 1];
  u32 kinds = step->kinds >> (2 * argument) & 15;
  return kinds == (ARG_POINTER | ARG_NUMBER << 2) && at % alignment == 0 && has(blob, at, size, 1);
}

/* Of steps that read memory themselves. That of a system call is the kernel's to check. */
static int has_memory_for(const struct blob *blob, const struct step *step) {
  if (step->number == STEP_NETLINK) return has_memory(blob, step, 0, 4);
  if (step->number == STEP_PROBE) return step->arguments[1] >= 2 && has_memory(blob, step, 0, 2) && has_memory(blob, step, 2, 1);
  return 1;
}

static int check_steps(const struct blob *blob, const struct plan *plan) {
  u64 count = (u64)plan->init_steps + plan->process_steps;
  u64 end = plan->steps + count * sizeof(struct step);
  if (plan->steps % 8 || plan->steps < sizeof *plan || !has(blob, plan->steps, count, sizeof(struct step))) return 0;
  const struct step *steps = (const struct step *)(blob->start + plan->steps);
  for (u64 i = 0; i < count; i++) {
    if (!has_memory_for(blob, &steps[i])) return 0;
    if (steps[i].store && !is_result_slot(blob, plan, steps[i].store, end)) return 0;
    for (int j = 0; j < 6; j++) {
      u32 kind = steps[i].kinds >> (2 * j) & 3;
      u64 value = steps[i].arguments[j];
      if (kind == ARG_POINTER && !has(blob, value, 1, 1)) return 0;
      if (kind == ARG_STORED && (value % 4 || !has(blob, value, 1, sizeof(s32)))) return 0;
      if (kind > ARG_STORED) return 0;
    }
  }
  return 1;
}

/* Whether there are pointers up to a NULL. */
static int is_pointer_array(const struct blob *blob, u64 offset) {
  if (offset % 8) return 0;
  for (; has(blob, offset, 1, sizeof(u64)); offset += sizeof(u64))
    if (!*(const u64 *)(blob->start + offset)) return 1;
  return 0;
}

/* Turns offsets into pointers. */
static int relocate(const struct blob *blob, const struct plan *plan) {
  if (plan->relocations % 4 || !has(blob, plan->relocations, plan->relocation_count, sizeof(u32))) return 0;
  const u32 *relocations = (const u32 *)(blob->start + plan->relocations);
  u64 steps_end = plan->steps + ((u64)plan->init_steps + plan->process_steps) * sizeof(struct step);
  for (u32 i = 0; i < plan->relocation_count; i++) {
    u64 place = relocations[i];
    if (place % 8 || place < sizeof *plan || !has(blob, place, 1, sizeof(u64))) return 0;
    if (place + sizeof(u64) > plan->steps && place < steps_end) return 0;
    u64 *pointer = (u64 *)(blob->start + place);
    if (*pointer >= blob->size) return 0;
    *pointer += (u64)blob->start;
  }
  return 1;
}

/* Validates and relocates a plan. Returns 0 if it is invalid. */
int check_plan(struct plan *plan) {
  const struct blob blob = {(const char *)plan, plan->size};
  return plan->kept <= MAX_KEPT && check_steps(&blob, plan) && is_pointer_array(&blob, plan->programs) && is_pointer_array(&blob, plan->argv) &&
         is_pointer_array(&blob, plan->envp) && relocate(&blob, plan);
}

static int has_cgroup_words(const struct host_step *step) {
  switch (step->detail) {
    case CGROUP_MAKE:
    case CGROUP_MAKE | CGROUP_SHARED:
    case CGROUP_ENTER:
    case CGROUP_AWAIT:
      return step->count == 1;
    case CGROUP_MOVE_ALL:
      return step->count == 2;
    case CGROUP_WRITE:
      return step->count == 3;
    default:
      return 0;
  }
}

/* Checks that a host step has as many words as its kind needs. */
static int has_words_for(const struct host_step *step) {
  switch (step->kind) {
    case HOST_WRITE:
      return step->count == 2;
    case HOST_RUN:
      return step->count >= 2 && step->count <= MAX_HOST_WORDS && step->detail < step->count;
    case HOST_START:
      return step->count >= 1 && step->count <= MAX_HOST_WORDS && step->detail <= MAX_STOP_TIMEOUT_MS;
    case HOST_RESUME:
      return step->count == 0;
    case HOST_NETLINK:
      return step->count >= 16 && step->count <= MAX_NETLINK_SIZE && (step->detail >> NETLINK_PID_SHIFT) <= step->count - 4;
    case HOST_HAND:
      return step->count == 1 || step->count == 2;
    case HOST_CGROUP:
      return has_cgroup_words(step);
    default:
      return 0;
  }
}

static int check_host_steps(const struct blob *blob, u32 offset, u32 count) {
  if (offset % 4 || !has(blob, offset, count, sizeof(struct host_step))) return 0;
  const struct host_step *steps = (const struct host_step *)(blob->start + offset);
  for (u32 i = 0; i < count; i++) {
    u64 word = steps[i].words, end = (u64)offset + (u64)count * sizeof(struct host_step);
    if (!has_words_for(&steps[i]) || steps[i].result < 0) return 0;
    if (steps[i].count && word < end && word + 1 > offset) return 0; /* results are written there */
    if (steps[i].kind == HOST_NETLINK) {
      if (word % 4 || !has(blob, word, steps[i].count, 1) || (word < end && word + steps[i].count > offset)) return 0;
      continue;
    }
    for (u32 j = 0; j < steps[i].count; j++)
      if (!(word = text_end(blob, word))) return 0;
  }
  return 1;
}

int check_host(const struct host *host) {
  const struct blob blob = {(const char *)host->blob, host->size};
  return check_host_steps(&blob, host->steps, host->count);
}

int check_next(const struct next *next) {
  const struct blob blob = {(const char *)next, next->size};
  return next->names && has_words(&blob, next->names) && has(&blob, next->plan, next->plan_size, 1) &&
         check_host_steps(&blob, next->host_steps, next->host_step_count);
}

int check_monitor(const struct monitor *monitor) {
  const struct blob blob = {(const char *)monitor, monitor->size};
  if (monitor->pid < 0 || monitor->log_max_files > MAX_LOG_FILES || monitor->kept > MAX_KEPT) return 0;
  if (!monitor->names || !has_words(&blob, monitor->names)) return 0;
  if (!monitor->volumes || !has_words(&blob, monitor->volumes)) return 0;
  if (!monitor->remove || !has_words(&blob, monitor->remove) || !monitor->subject || !has_text(&blob, monitor->subject)) return 0;
  if (!monitor->last_argv != !monitor->last_envp || !has_words(&blob, monitor->last_argv) || !has_words(&blob, monitor->last_envp)) return 0;
  if (!has_text(&blob, monitor->joined) || !has_text(&blob, monitor->last_unless) || !has_text(&blob, monitor->last_lock)) return 0;
  if (!has_text(&blob, monitor->failure_file)) return 0;
  if (monitor->oom && !has_three_texts(&blob, monitor->oom)) return 0;
  if (monitor->checks % 4 || monitor->check_count > MAX_CHECKS || !has(&blob, monitor->checks, monitor->check_count, sizeof(struct check)))
    return 0;
  if (monitor->failures % 4 || !has(&blob, monitor->failures, monitor->failure_count, sizeof(struct failure))) return 0;
  const struct failure *failures = (const struct failure *)(blob.start + monitor->failures);
  for (u32 i = 0; i < monitor->failure_count; i++)
    if (!text_end(&blob, failures[i].text)) return 0;
  return check_host_steps(&blob, monitor->host_steps, monitor->host_step_count);
}
