/* Reads JSON as JSON.stringify writes it: without white space. Whatever is written in another way counts as damaged, and so is
 * left to Node. */
#include "json.h"

/* What is after a text, which begins with a quotation mark; NULL if it does not end. */
static const char *after_text(const char *at) {
  if (*at++ != '"') return NULL;
  for (; *at != '"'; at++) {
    if ((u8)*at < ' ') return NULL;
    if (*at == '\\' && (u8)*++at < ' ') return NULL;
  }
  return at + 1;
}

/* Of numbers, true, false and null. */
static int is_of_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '+' || c == '.' || c == 'E';
}

/* What is after a value; NULL if it does not end. */
static const char *after_value(const char *at) {
  for (u32 depth = 0;;) {
    if (*at == '{' || *at == '[') {
      depth++, at++;
      continue;
    }
    if (*at == '"') {
      if (!(at = after_text(at))) return NULL;
    } else if (depth && (*at == '}' || *at == ']')) {
      depth--, at++;
    } else if (depth && (*at == ',' || *at == ':')) {
      at++;
      continue;
    } else {
      if (!is_of_word(*at)) return NULL;
      while (is_of_word(*at)) at++;
    }
    if (!depth) return at;
  }
}

/* Of an object or an array. */
struct json_list json_list(const char *text) {
  struct json_list list = {.at = text, .is_damaged = !text || (*text != '{' && *text != '[')};
  return list;
}

/* Moves on to the next one. Returns 0 at the end, where `at` is after it, and where it is damaged. */
int json_next(struct json_list *list) {
  const char *at = list->at;
  if (list->is_damaged) return 0;
  int is_first = *at == '{' || *at == '[', is_object = is_first ? *at == '{' : list->key != NULL;
  char end = is_object ? '}' : ']';
  if (*at == end || (is_first && at[1] == end)) return list->at = at + 1 + is_first, 0;
  if (!is_first && *at != ',') return list->is_damaged = 1, 0;
  list->key = is_object ? ++at + 1 : NULL;
  if (is_object && (!(at = after_text(at)) || *at != ':')) return list->is_damaged = 1, 0;
  list->value = at + 1;
  list->at = after_value(list->value);
  return list->at ? 1 : (list->is_damaged = 1, 0);
}

/* Elements of an array have none. */
int json_is_key(const struct json_list *list, const char *name) {
  const char *at = list->key ? list->key : "";
  while (*name && *at == *name) at++, name++;
  return !*name && *at == '"';
}

/* Copies a text, and returns the end of the copy. NULL if the value is another one, has a character in hexadecimal digits, or
 * needs more room. */
char *json_text(const char *value, char *to, size_t room) {
  const char *end = to + room;
  if (*value++ != '"') return NULL;
  for (; *value != '"'; value++) {
    if (end - to < 2) return NULL;
    if (*value != '\\') {
      *to++ = *value;
      continue;
    }
    switch (*++value) {
      case '"': case '\\': case '/': *to++ = *value; break;
      case 'b': *to++ = '\b'; break;
      case 'f': *to++ = '\f'; break;
      case 'n': *to++ = '\n'; break;
      case 'r': *to++ = '\r'; break;
      case 't': *to++ = '\t'; break;
      default: return NULL;
    }
  }
  return *to = 0, to;
}

/* Whether it is a whole number of at most 10 digits. */
int json_number(const char *value, s64 *number) {
  int is_negative = *value == '-', count = 0;
  *number = 0;
  for (value += is_negative; *value >= '0' && *value <= '9' && count < 10; value++, count++) *number = *number * 10 + (*value - '0');
  if (is_negative) *number = -*number;
  return count && !is_of_word(*value);
}
