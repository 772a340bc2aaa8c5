/* The records of containers and pods, and their cgroups, as the front reads them: arbitrary text in place of JSON, and the id maps in it. */
#include "world.h"

#include "../../src/init/front/cgroups.c"
#include "../../src/init/front/events.c"
#include "../../src/init/front/why.c"
#include "../../src/init/front/id-maps.c"
#include "../../src/init/front/json.c"
#include "../../src/init/front/pod-record.c"
#include "../../src/init/front/record.c"

/* find.c, fault.c, fill.c, run-args.c */
int exists(int folder, const char *name) { return look_at_text(name), folder < 0; }
int contains(const char *text, const char *part) { return look_at_text(text), look_at_text(part), 0; }
s64 own_file_size(int fd) { return fd; }
int is_id(const char *text) { return look_at_text(text), *text; }
int is_name(const char *text) { return look_at_text(text), *text; }
void fault_point(const char *step) { look_at_text(step); }
char *expand(char *to, const char *end, const char *text, const struct values *values) {
  return !*values->command && end - to > (s64)string_length(text) ? append(to, text) : NULL;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size) {
  static const char id[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
  char *text = malloc(size + 1), *attributes = malloc(MAX_ATTRIBUTES);
  struct launch launch = {.pid = 5, .pidfd = 6, .control = 7, .init = 8};
  struct record record;
  memcpy(text, data, size);
  text[size] = 0;
  begin_run(data, size);
  if (parse_record(text, id, attributes, &record)) {
    RUN(record_event(3, &record, "stop", ""));
    RUN(map_ids(&record, &launch));
  }
  struct noted noted;
  if (read_noted(text, &noted)) {
    u64 stamp[3];
    const struct mask masks[MASKS] = {{id, ID_SIZE, POD_MASK_ID}, {id, SHORT_ID, POD_MASK_SHORT_ID}, {noted.created, TIME_SIZE, POD_MASK_CREATED}};
    RUN(masked_stamp(text, masks, noted.name, stamp); look(stamp, sizeof stamp));
  }
  static struct cgroups cgroups;
  RUN(if (parse_cgroups(text, &cgroups)) remove_cgroups(&cgroups));
  free(text), free(attributes);
  return 0;
}
