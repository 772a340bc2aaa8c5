/* Why a command is left to Node, for `foster --debug`. */
#include "front.h"

enum { MAX_PART = 200 };

static char reason[3 * MAX_PART + 8];
static int is_asked;

static char *append_visible(char *to, const char *text) {
  for (int i = 0; *text && i < MAX_PART; text++, i++) *to++ = *text >= ' ' && *text <= '~' ? *text : '?';
  return *to = 0, to;
}

/* The first reason counts, which is the most exact. Returns 0. */
int because(const char *before, const char *what, const char *after) {
  if (is_asked && !*reason) append_visible(append_visible(append_visible(reason, before), what), after);
  return 0;
}

void ask_why(void) { is_asked = 1; }

static void say_line(const char *text, const char *more) {
  char line[sizeof reason + 64];
  char *end = append(append(append(append(line, "foster: debug: "), text), more), "\n");
  if (is_asked) sys_write(2, line, (size_t)(end - line));
}

/* It is about to be done. */
void say_without_node(void) {
  static int is_said;
  if (!is_said++) say_line("done without Node", "");
}

void say_with_node(void) { say_line("done by Node: ", *reason ? reason : "it may need an explanation"); }
