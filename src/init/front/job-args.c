/* The command lines of kill, stop, restart, wait and rm. Only what is certain is understood. */
#include "job.h"

static char upper(char c) { return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c; }

/* Whether `text` is the word at `name`, which a space or the end follows. */
static int is_word(const char *text, const char *name) {
  while (*text && upper(*text) == *name) text++, name++;
  return !*text && (!*name || *name == ' ');
}

/* By name or number; 0 for another one, and for those of real time and old names, which are Node's. */
static int parse_signal(const char *text) {
  int number = 0;
  if (*text >= '0' && *text <= '9') {
    if (string_length(text) > 2 || (text[1] && (text[1] < '0' || text[1] > '9'))) return 0;
    number = (int)read_number(text);
    return number <= SIGNAL_COUNT ? number : 0;
  }
  if (upper(text[0]) == 'S' && upper(text[1]) == 'I' && upper(text[2]) == 'G') text += 3;
  for (const char *name = SIGNAL_NAMES; *name; number++) {
    if (number && is_word(text, name)) return number;
    while (*name && *name++ != ' ') {}
  }
  return 0;
}

/* SIGTERM. NULL for one of real time. */
const char *append_signal_name(char *to, int signal) {
  const char *name = SIGNAL_NAMES;
  while (signal && *name) signal -= *name++ == ' ';
  if (signal) return NULL;
  to = append(to, "SIG");
  while (*name && *name != ' ') *to++ = *name++;
  return *to = 0, to;
}

/* -1, or up to 9 digits. */
static int parse_seconds(const char *text, struct job_request *request) {
  const char *digits = text;
  request->has_timeout = 1, request->timeout = -1;
  if (string_equal(text, "-1")) return 1;
  while (*digits >= '0' && *digits <= '9') digits++;
  request->timeout = read_number(text);
  return digits > text && !*digits && digits - text <= 9;
}

/* The value of an option, which is in the same word or in the next; NULL if this is another option. */
static const char *value_for(char ***argv, const char *name) {
  const char *word = **argv;
  while (*name && *word == *name) word++, name++;
  if (*name) return NULL;
  if (*word == '=' && name[-2] != '-') return word + 1;
  return *word || !(*argv)[1] ? NULL : *++*argv;
}

static const char *any_value_for(char ***argv, const char *const *names) {
  const char *value = NULL;
  for (; *names && !value; names++) value = value_for(argv, *names);
  return value;
}

/* An option of rm, or letters of several. */
static int parse_removal(const char *word, struct job_request *request) {
  if (string_equal(word, "--force")) return request->is_forced = 1;
  if (string_equal(word, "--volumes")) return request->with_volumes = 1;
  if (!*++word) return 0;
  for (; *word; word++)
    if (*word == 'f') request->is_forced = 1;
    else if (*word == 'v') request->with_volumes = 1;
    else return 0;
  return 1;
}

static int parse_option(char ***argv, struct job_request *request) {
  static const char *const signal[] = {"-s", "--signal", NULL}, *const timeout[] = {"-t", "--time", NULL};
  const char *word = **argv, *value;
  int is_stop = request->verb == VERB_STOP || request->verb == VERB_RESTART;
  if ((is_stop || request->verb == VERB_KILL) && (value = any_value_for(argv, signal))) return (request->signal = parse_signal(value)) != 0;
  if (is_stop && (value = any_value_for(argv, timeout))) return parse_seconds(value, request);
  return request->verb == VERB_RM && parse_removal(word, request);
}

/* `argv` begins with the word after the verb. Returns 0 if this is not for us. */
int parse_jobs(const char *verb, char **argv, struct job_request *request) {
  static const char *const verbs[] = {[VERB_KILL] = "kill", [VERB_STOP] = "stop", [VERB_RESTART] = "restart", [VERB_WAIT] = "wait", [VERB_RM] = "rm"};
  while (request->verb < VERB_RM && !string_equal(verbs[request->verb], verb)) request->verb++;
  if (!string_equal(verbs[request->verb], verb)) return because("this command is always Node's", "", "");
  if (request->verb == VERB_KILL) request->signal = SIGKILL;
  for (; *argv; argv++) {
    if (**argv == '-') {
      const char *word = *argv;
      if (!parse_option(&argv, request)) return because("option ", word, " is Node's");
    } else if (request->count == MAX_JOBS) {
      return 0;
    } else {
      request->references[request->count++] = *argv;
    }
  }
  return request->count > 0;
}
