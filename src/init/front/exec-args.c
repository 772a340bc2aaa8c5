/* The command line of `foster exec`. Only what is certain is understood: an option that is not known here, a value that
 * TypeScript would have to check, is left to Node. */
#include "front.h"

/* Whether `text` begins with NAME=, given "NAME=" or "NAME". */
static int has_name(const char *text, const char *name) {
  while (*name && *name != '=' && *text == *name) text++, name++;
  return (!*name || *name == '=') && *text == '=';
}

const char *variable(char **envp, const char *name) {
  for (; *envp; envp++)
    if (has_name(*envp, name)) return *envp + string_length(name) + 1;
  return NULL;
}

static int is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

/* NAME=VALUE, or a NAME, which means the caller's own variable; nothing where that is not set. PATH decides where the
 * program is looked up, and so is left to Node. */
static int add_override(struct exec_request *request, const char *text, char **envp) {
  u32 length = 0;
  while (is_letter(text[length]) || (length && text[length] >= '0' && text[length] <= '9')) length++;
  if (!length || (text[length] && text[length] != '=') || request->process.override_count == MAX_OVERRIDES) return 0;
  if (string_equal(text, "PATH") || has_name(text, "PATH")) return 0;
  if (!text[length]) {
    const char *value = variable(envp, text);
    if (!value) return 1;
    text = value - length - 1;
  }
  request->process.overrides[request->process.override_count++] = text;
  return 1;
}

static int *switch_for(struct exec_request *request, char letter) {
  return letter == 'i' ? &request->process.interactive : letter == 't' ? &request->process.terminal : letter == 'd' ? &request->detached : NULL;
}

/* `-it` and the like. */
static int parse_switches(struct exec_request *request, const char *letters) {
  if (!*letters) return 0;
  for (; *letters; letters++) {
    int *value = switch_for(request, *letters);
    if (!value) return because("option ", (char[]){'-', *letters, 0}, " is Node's");
    *value = 1;
  }
  return 1;
}

static char long_switch(const char *word) {
  return string_equal(word, "--interactive") ? 'i' : string_equal(word, "--tty") ? 't' : string_equal(word, "--detach") ? 'd' : 0;
}

/* An absolute path, in which nothing is left to resolve. */
static int set_directory(struct exec_request *request, const char *path) {
  if (!path || *path != '/' || string_length(path) >= MAX_PATH) return 0;
  for (const char *c = path; *c; c++) {
    if (*c != '/') continue;
    if (c[1] == '/' || (!c[1] && c != path)) return 0;
    if (c[1] == '.' && (!c[2] || c[2] == '/' || c[2] == '.')) return 0;
  }
  request->process.directory = path;
  return 1;
}

/* UID or UID:GID: names are looked up in the container, which is Node's. */
static int set_user(struct exec_request *request, const char *text) {
  int parts = 1, digits = 0;
  for (const char *c = text; c && *c; c++) {
    if (*c == ':' && digits && parts++ == 1) digits = 0;
    else if (*c < '0' || *c > '9' || ++digits > 10) return 0;
  }
  request->user = text;
  return digits > 0;
}

/* `argv` begins with the word after `exec`. Returns 0 if this is not for us. */
int parse_exec(char **argv, char **envp, struct exec_request *request) {
  for (; *argv && **argv == '-'; argv++) {
    const char *word = *argv;
    char letter = long_switch(word);
    if (letter) {
      *switch_for(request, letter) = 1;
    } else if (string_equal(word, "-e") || string_equal(word, "--env")) {
      if (!*++argv || !add_override(request, *argv, envp)) return 0;
    } else if (string_equal(word, "-u") || string_equal(word, "--user")) {
      if (!set_user(request, *++argv)) return because("a user that is not given in numbers is looked up by Node", "", "");
    } else if (string_equal(word, "-w") || string_equal(word, "--workdir")) {
      if (!set_directory(request, *++argv)) return 0;
    } else if (word[1] == '-') {
      return because("option ", word, " is Node's");
    } else if (!parse_switches(request, word + 1)) {
      return 0;
    }
  }
  if (!argv[0] || !argv[1]) return 0;
  request->container = argv[0];
  request->process.command = argv + 1;
  return **request->process.command && !(request->process.terminal && request->detached);
}
