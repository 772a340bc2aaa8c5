/* The command line of `foster run`: where it has ROOT, and what follows. What the options mean does not matter here: a
 * template is used for the very words that it was made from, and TypeScript leaves none if it finds ROOT in another place. */
#include "front.h"

/* All others take a value. */
static const char *const switches[] = {
    "--detach",     "--env-host",     "--http-proxy",   "--ignore-unenforced-limits", "--init",      "--init-signal-group",
    "--interactive", "--no-healthcheck", "--no-hosts",  "--no-init",                  "--oom-kill-disable", "--privileged",
    "--publish-all", "--quiet",       "--read-only",    "--read-only-tmpfs",          "--rm",        "--rmi",
    "--sig-proxy",  "--tls-verify",   "--tty",          "--unsetenv-all",             NULL};
static const char switch_letters[] = "ditqP";

static int is_switch_letter(char letter) {
  for (const char *c = switch_letters; *c; c++)
    if (*c == letter) return 1;
  return 0;
}

static int has_value(const char *word) {
  while (*word && *word != '=') word++;
  return *word == '=';
}

/* How many words an option is. */
static u32 option_words(const char *word) {
  if (word[1] == '-') {
    if (has_value(word)) return 1;
    for (const char *const *name = switches; *name; name++)
      if (string_equal(*name, word)) return 1;
    return 2;
  }
  while (is_switch_letter(*++word)) {}
  return *word && !word[1] ? 2 : 1; /* the rest of the word is a value */
}

/* FNV-1a, with the NUL that ends each word. */
static u64 add_to_key(u64 key, const char *word) {
  for (;; word++) {
    key = (key ^ (u8)*word) * 0x100000001b3;
    if (!*word) return key;
  }
}

/* As 16 hexadecimal digits: the name of the template. */
char *append_key(char *to, u64 key) {
  for (int shift = 60; shift >= 0; shift -= 4) *to++ = "0123456789abcdef"[key >> shift & 15];
  return *to = 0, to;
}

int contains(const char *text, const char *part) {
  for (; *text; text++) {
    u32 i = 0;
    while (part[i] && text[i] == part[i]) i++;
    if (!part[i]) return 1;
  }
  return 0;
}

static const char name_option[] = "--name=";

/* As src/spec/names.ts has them. */
static int is_container_name(const char *text) {
  size_t length = string_length(text);
  return length >= 1 && length <= 128 && is_name(text) && *text != '_' && *text != '.' && *text != '-';
}

/* The name in the option of `size` words at `index`; NULL if it is another option. */
static const char *name_in(char **words, u32 index, u32 size) {
  const char *word = words[index], *expected = name_option;
  while (*expected && *word == *expected) word++, expected++;
  if (!*expected) return word;
  return size == 2 && *expected == '=' && !*word ? words[index + 1] : NULL;
}

const char *nameless(const struct run_request *request, u32 index) {
  if (index != request->name_word) return request->words[index];
  return request->name == request->words[index] ? "" : name_option;
}

/* A name that is part of another word may be there because of the name, or by chance: then a template is for that name alone. */
static int is_name_apart(const struct run_request *request) {
  for (u32 i = 0; i < request->word_count; i++)
    if (contains(nameless(request, i), request->name)) return 0;
  return 1;
}

/* `argv` begins with the word after `run`. Returns 0 if this is not for us. */
int parse_run(char **argv, struct run_request *request) {
  request->words = argv;
  request->name = NULL;
  u32 count = 0, names = 0;
  while (argv[count] && argv[count][0] == '-' && argv[count][1]) {
    u32 size = option_words(argv[count]);
    if (string_equal(argv[count], "--") || (size == 2 && !argv[count + 1])) return 0;
    const char *name = name_in(argv, count, size);
    if (name) names++, request->name = name, request->name_word = count + size - 1;
    count += size;
  }
  if (!argv[count] || !*argv[count] || *argv[count] == '-') return 0;
  request->word_count = ++count;
  request->process.command = argv + count;
  if (names != 1 || !is_container_name(request->name) || !is_name_apart(request)) request->name = NULL;
  request->key = request->nameless_key = 0xcbf29ce484222325;
  for (u32 i = 0; i < count; i++) {
    if (!is_utf8(argv[i])) return 0;
    request->key = add_to_key(request->key, argv[i]);
    if (request->name) request->nameless_key = add_to_key(request->nameless_key, nameless(request, i));
  }
  /* a plan for a program with a path does not know where one without is looked up */
  const char *kind = !argv[count] ? "" : has_slash(argv[count]) ? "path" : "command";
  request->key = add_to_key(request->key, kind), request->nameless_key = add_to_key(request->nameless_key, kind);
  return 1;
}
