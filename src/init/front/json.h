/* JSON as foster writes it: json.c. */
#ifndef FOSTER_JSON_H
#define FOSTER_JSON_H

#include "../sys.h"

/* The members of an object, or the elements of an array, one after the other. */
struct json_list {
  const char *at;         /* where the next one begins */
  const char *key;        /* of a member: after its quotation mark */
  const char *value;
  int is_damaged;
};

struct json_list json_list(const char *text);
int json_next(struct json_list *list);
int json_is_key(const struct json_list *list, const char *name);
char *json_text(const char *value, char *to, size_t room);
int json_number(const char *value, s64 *number);

#endif
