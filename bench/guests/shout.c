// A tool of the usual kind: reads a file in blocks, changes each byte, writes another, says a checksum.
//   shout FROM TO TIMES
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static char block[64 << 10];

static uint64_t shout(const char* from, const char* to) {
  FILE* in = fopen(from, "rb");
  FILE* out = fopen(to, "wb");
  if (in == NULL || out == NULL) exit(1);
  uint64_t sum = 14695981039346656037u;
  size_t count;
  while ((count = fread(block, 1, sizeof block, in)) > 0) {
    for (size_t i = 0; i < count; i++) {
      block[i] = (char)toupper((unsigned char)block[i]);
      sum = (sum ^ (uint8_t)block[i]) * 1099511628211u;
    }
    if (fwrite(block, 1, count, out) != count) exit(1);
  }
  fclose(in);
  if (fclose(out) != 0) exit(1);
  return sum;
}

int main(int count, char** words) {
  if (count != 4) return 2;
  uint64_t sum = 0;
  for (int times = atoi(words[3]); times > 0; times--) sum ^= shout(words[1], words[2]) + (uint64_t)times;
  printf("%016llx\n", (unsigned long long)sum);
  return 0;
}
