/* The functions that the compiler may call on its own, and functions for texts. */
#include "init.h"

#ifndef FOSTER_FUZZ
void *memset(void *target, int byte, size_t size) {
  u8 *to = target;
  while (size--) *to++ = (u8)byte;
  return target;
}

void *memcpy(void *target, const void *source, size_t size) {
  u8 *to = target;
  const u8 *from = source;
  while (size--) *to++ = *from++;
  return target;
}
#endif

size_t string_length(const char *text) {
  size_t length = 0;
  while (text[length]) length++;
  return length;
}

int string_equal(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

char *append(char *to, const char *text) {
  while (*text) *to++ = *text++;
  *to = 0;
  return to;
}

char *append_number(char *to, u64 number) {
  char digits[20];
  int count = 0;
  do digits[count++] = (char)('0' + number % 10);
  while (number /= 10);
  while (count) *to++ = digits[--count];
  *to = 0;
  return to;
}

/* Reads a number up to the first character that is not a digit. */
u32 read_number(const char *text) {
  u32 number = 0;
  for (; *text >= '0' && *text <= '9'; text++) number = number * 10 + (u32)(*text - '0');
  return number;
}
