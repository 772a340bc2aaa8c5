/* What config.json says about a container: record.c. */
#ifndef FOSTER_RECORD_H
#define FOSTER_RECORD_H

#include "front.h"

enum { MAX_ATTRIBUTES = 32 * 1024 };

struct record {
  char id[ID_SIZE + 2], name[MAX_NAME + 1];
  const char *attributes; /* of its events: " KEY=VALUE" for each label, and for its image */
  s64 stop_signal, stop_timeout; /* in seconds */
  int is_temporary; /* with --rm: its anonymous volumes go with it */
  const char *volumes;           /* JSON: an array of those that it uses; NULL if there are none */
  int uses_helpers;              /* newuidmap and newgidmap write its id maps */
  const char *uid_map, *gid_map; /* JSON: arrays of lines, empty for a container in the caller's user namespace */
};

void release_config(const char *text);
int parse_record(const char *text, const char *id, char attributes[MAX_ATTRIBUTES], struct record *record);
const char *read_text(int folder, const char *name, char **behind);
int read_record(const struct target *target, struct record *record);
int record_event(int data, const struct record *record, const char *action, const char *more);

/* id-maps.c */
int map_ids(const struct record *record, const struct launch *launch);

#endif
