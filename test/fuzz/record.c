/* The record of a container, as the front reads it: arbitrary text in place of JSON, and the id maps in it. */
#include "world.h"

#include "../../src/init/front/events.c"
#include "../../src/init/front/why.c"
#include "../../src/init/front/id-maps.c"
#include "../../src/init/front/json.c"
#include "../../src/init/front/record.c"

/* find.c, fault.c, fill.c */
s64 own_file_size(int fd) { return fd; }
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
  free(text), free(attributes);
  return 0;
}
