/* Compares the records of pods and their containers, but for ids and times: src/container/pod-template.ts. */
#include "pod.h"
#include "json.h"

static int is_at(const char *at, const char *text, u32 size) {
  for (u32 i = 0; i < size; i++)
    if (at[i] != text[i]) return 0;
  return 1;
}

static void add_byte(u32 hashes[2], u8 byte) {
  for (int i = 0; i < 2; i++) hashes[i] = (hashes[i] ^ byte) * 0x01000193;
}

/* As maskedStamp in src/init/template.ts. `name`: where the text has the name of its container, which is left out, from its quotation mark on;
 * or NULL. */
void masked_stamp(const char *text, const struct mask masks[MASKS], const char *name, u64 to[3]) {
  u32 hashes[2] = {0x811c9dc5, 0x01234567}, size = 0;
  while (*text) {
    u32 i = 0, step = 1;
    while (i < MASKS && masks[i].text && !is_at(text, masks[i].text, masks[i].size)) i++;
    int is_masked = i < MASKS && masks[i].text;
    add_byte(hashes, is_masked ? masks[i].code : (u8)*text);
    if (is_masked) step = masks[i].size;
    size += step;
    if (text == name) {
      add_byte(hashes, POD_MASK_NAME);
      while (text[step] && text[step] != '"') step++;
    }
    text += step;
  }
  to[0] = size, to[1] = hashes[0], to[2] = hashes[1];
}

/* Returns 0 if something is not as foster writes it. */
int read_noted(const char *text, struct noted *noted) {
  struct json_list members = json_list(text);
  *noted = (struct noted){.is_plain = 1};
  while (json_next(&members)) {
    if (json_is_key(&members, "id")) json_text(members.value, noted->id, sizeof noted->id);
    else if (json_is_key(&members, "created")) json_text(members.value, noted->created, sizeof noted->created);
    else if (json_is_key(&members, "infra")) noted->infra = members.value;
    else if (json_is_key(&members, "name")) noted->name = members.value;
    else if (json_is_key(&members, "pod")) noted->pod = members.value;
    else if (json_is_key(&members, "labels")) noted->labels = members.value;
    else if (json_is_key(&members, "job") || json_is_key(&members, "initContainer")) noted->is_plain = 0;
  }
  return !members.is_damaged && is_id(noted->id) && string_length(noted->created) == TIME_SIZE;
}
