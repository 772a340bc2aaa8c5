/* A fuzzer for machines without clang's: changes the seeds at random, in the same way for the same FUZZ_SEED, for FUZZ_RUNS
 * runs. `driver SEED-FILE...` */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, unsigned long size);

enum { MAX_INPUT = 8192, MAX_SEEDS = 64 };

static unsigned state;

static unsigned random_below(unsigned limit) {
  state ^= state << 13, state ^= state >> 17, state ^= state << 5;
  return limit ? state % limit : 0;
}

static unsigned char seeds[MAX_SEEDS][MAX_INPUT];
static size_t sizes[MAX_SEEDS];

static size_t mutate(unsigned char *data, size_t size) {
  static const unsigned words[] = {0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffc, 88, 64, 52};
  for (unsigned changes = 1 + random_below(6); changes > 0; changes--) {
    unsigned at = random_below((unsigned)size), word = words[random_below(sizeof words / sizeof *words)];
    switch (random_below(5)) {
      case 0:
        if (size) data[at] = (unsigned char)random_below(256);
        break;
      case 1:
        if (at / 4 * 4 + 4 <= size) memcpy(data + at / 4 * 4, &word, 4);
        break;
      case 2:
        while (size < MAX_INPUT && random_below(50)) data[size++] = (unsigned char)random_below(256);
        break;
      case 3:
        size -= random_below((unsigned)size);
        break;
      default: {
        unsigned length = random_below(64), from = random_below((unsigned)size);
        if (at + length <= size && from + length <= size) memmove(data + at, data + from, length);
      }
    }
  }
  return size;
}

int main(int argc, char **argv) {
  const char *seed = getenv("FUZZ_SEED"), *runs = getenv("FUZZ_RUNS");
  int count = 0;
  for (int i = 1; i < argc && count < MAX_SEEDS; i++) {
    FILE *file = fopen(argv[i], "rb");
    if (!file) return perror(argv[i]), 2;
    sizes[count] = fread(seeds[count], 1, MAX_INPUT, file);
    count++;
    fclose(file);
  }
  unsigned first = seed ? (unsigned)atol(seed) : 1;
  for (unsigned long run = 0, end = runs ? strtoul(runs, NULL, 10) : 20000; run < end; run++) {
    unsigned char *data = malloc(MAX_INPUT);
    state = (first + (unsigned)run) * 2654435761u | 1;
    int from = count ? (int)random_below((unsigned)count) : -1;
    size_t size = from < 0 ? random_below(MAX_INPUT) : sizes[from];
    if (from < 0)
      for (size_t i = 0; i < size; i++) data[i] = (unsigned char)random_below(256);
    else
      memcpy(data, seeds[from], size);
    size = mutate(data, size);
    unsigned char *exact = malloc(size ? size : 1);
    memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact), free(data);
  }
  return 0;
}
