// Work for a processor, the same source natively and as wasm: what CoreMark is made of (a linked
// list, a small matrix, a state machine, a CRC), and a sort, a hash table and floating point.
//
//   compute SCALE     runs each kernel SCALE times its unit; a line each: NAME SECONDS CHECKSUM
//
// The clock is read inside, around the work alone. The checksums are the same everywhere, or one
// side has not done the work.
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint32_t seed;

// Numerical Recipes' generator: every run works on the same numbers.
static uint32_t next_number(void) { return seed = seed * 1664525u + 1013904223u; }

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

// ---- a linked list: searched, reversed, sorted by merging
// -------------------------------------------

enum { NODES = 1000 };
struct node {
  struct node* next;
  int32_t value;
};
static struct node nodes[NODES];

static struct node* reversed(struct node* list) {
  struct node* done = NULL;
  while (list) {
    struct node* next = list->next;
    list->next = done;
    done = list;
    list = next;
  }
  return done;
}

static struct node* merged(struct node* a, struct node* b) {
  struct node first = {NULL, 0};
  struct node* last = &first;
  while (a && b) {
    struct node** smaller = a->value <= b->value ? &a : &b;
    last = last->next = *smaller;
    *smaller = (*smaller)->next;
  }
  last->next = a ? a : b;
  return first.next;
}

static struct node* sorted(struct node* list, int count) {
  if (count == 1) {
    list->next = NULL;
    return list;
  }
  struct node* half = list;
  for (int i = 0; i < count / 2; i++) half = half->next;
  // The first half is cut off where it is sorted: it knows its count.
  struct node* second = sorted(half, count - count / 2);
  return merged(sorted(list, count / 2), second);
}

static uint32_t list_kernel(void) {
  for (int i = 0; i < NODES; i++)
    nodes[i] = (struct node){i + 1 < NODES ? &nodes[i + 1] : NULL, (int32_t)(next_number() >> 16)};
  struct node* list = reversed(nodes);
  uint32_t found = 0;
  for (int i = 0; i < 20; i++) {
    const int32_t wanted = (int32_t)(next_number() >> 16);
    for (const struct node* at = list; at && at->value != wanted; at = at->next) found++;
  }
  list = sorted(list, NODES);
  uint32_t sum = found;
  for (const struct node* at = list; at; at = at->next) sum = sum * 31 + (uint32_t)at->value;
  return sum;
}

// ---- matrices of small integers: as small as CoreMark's, and larger ones, which vectors help
// -------

enum { MOST = 64 };
static int16_t left[MOST * MOST], right[MOST * MOST];
static int32_t product[MOST * MOST];

static uint32_t multiply(int side) {
  for (int n = 0; n < side * side; n++) {
    left[n] = (int16_t)(next_number() >> 20);
    right[n] = (int16_t)(next_number() >> 20);
  }
  uint32_t sum = 0;
  for (int i = 0; i < side; i++) {
    for (int j = 0; j < side; j++) {
      int32_t dot = 0;
      for (int k = 0; k < side; k++) dot += (int32_t)left[i * side + k] * right[k * side + j];
      product[i * side + j] = dot;
      sum = sum * 31 + (uint32_t)(dot >> 4);
    }
  }
  return sum;
}

static uint32_t matrix_kernel(void) { return multiply(9); }
static uint32_t large_matrix_kernel(void) { return multiply(MOST); }

// ---- a state machine that tells numbers from words, and a CRC over what it read
// ------------------------

static char text[8192];

static uint16_t crc16(uint16_t crc, uint8_t byte) {
  for (int bit = 0; bit < 8; bit++) {
    const int carry = (crc ^ byte) & 1;
    byte >>= 1;
    crc = (uint16_t)(crc >> 1);
    if (carry) crc ^= 0xa001;
  }
  return crc;
}

static void write_text(void) {
  static const char* const words[] = {"5012,", "-1234,",   "3.14159,",  "+0.1,",
                                      "1e10,", "-1.5e-3,", "T0.3e-1F,", "x,"};
  size_t at = 0;
  while (at + 16 < sizeof text) {
    const char* word = words[next_number() >> 29];
    for (; *word; word++) text[at++] = *word;
  }
  text[at] = 0;
}

static uint32_t machine_kernel(void) {
  enum state { start, sign, whole, point, fraction, exponent, power_sign, power, invalid, states };
  uint32_t seen[states] = {0};
  enum state state = start;
  write_text();
  for (const char* c = text; *c; c++) {
    const int digit = *c >= '0' && *c <= '9';
    if (*c == ',') {
      seen[state]++;
      state = start;
      continue;
    }
    switch (state) {
      case start:
        state = digit ? whole : *c == '+' || *c == '-' ? sign : *c == '.' ? point : invalid;
        break;
      case sign: state = digit ? whole : *c == '.' ? point : invalid; break;
      case whole: state = digit ? whole : *c == '.' ? point : *c == 'e' ? exponent : invalid; break;
      case point:
      case fraction: state = digit ? fraction : *c == 'e' ? exponent : invalid; break;
      case exponent: state = digit ? power : *c == '+' || *c == '-' ? power_sign : invalid; break;
      case power_sign:
      case power: state = digit ? power : invalid; break;
      default: break;
    }
  }
  uint32_t sum = 0;
  for (int i = 0; i < states; i++) sum = sum * 31 + seen[i];
  return sum;
}

static uint32_t crc_kernel(void) {
  write_text();
  uint16_t crc = 0;
  for (const char* c = text; *c; c++) crc = crc16(crc, (uint8_t)*c);
  return crc;
}

// ---- quicksort
// ----------------------------------------------------------------------------------------

enum { NUMBERS = 20000 };
static uint32_t numbers[NUMBERS];

static void quicksort(uint32_t* first, uint32_t* last) {
  while (last - first > 1) {
    const uint32_t pivot = first[(last - first) / 2];
    uint32_t *low = first, *high = last - 1;
    while (low <= high) {
      while (*low < pivot) low++;
      while (*high > pivot) high--;
      if (low > high) break;
      const uint32_t held = *low;
      *low++ = *high;
      *high-- = held;
    }
    quicksort(low, last);
    last = high + 1;
  }
}

static uint32_t sort_kernel(void) {
  for (int i = 0; i < NUMBERS; i++) numbers[i] = next_number();
  quicksort(numbers, numbers + NUMBERS);
  uint32_t sum = 0;
  for (int i = 0; i < NUMBERS; i += 7) sum = sum * 31 + numbers[i];
  return sum;
}

// ---- a hash table with open addressing
// ------------------------------------------------------------------

enum { SLOTS = 1 << 15 };
static struct {
  uint64_t key;
  uint32_t count;
} table[SLOTS];

static uint64_t mixed(uint64_t key) {
  key = (key ^ (key >> 30)) * 0xbf58476d1ce4e5b9ull;
  key = (key ^ (key >> 27)) * 0x94d049bb133111ebull;
  return key ^ (key >> 31);
}

static uint32_t hash_kernel(void) {
  memset(table, 0, sizeof table);
  uint32_t steps = 0;
  for (int i = 0; i < 40000; i++) {
    const uint64_t key = 1 + (next_number() >> 17);
    size_t at = mixed(key) % SLOTS;
    while (table[at].key != 0 && table[at].key != key) {
      at = (at + 1) % SLOTS;
      steps++;
    }
    table[at].key = key;
    table[at].count++;
  }
  uint32_t sum = steps;
  for (int i = 0; i < SLOTS; i++) sum = sum * 31 + table[i].count;
  return sum;
}

// ---- floating point: bodies that draw one another
// --------------------------------------------------------

enum { BODIES = 32 };
static double place[BODIES][3], speed[BODIES][3];

static uint32_t float_kernel(void) {
  for (int i = 0; i < BODIES; i++) {
    for (int d = 0; d < 3; d++) {
      place[i][d] = (double)(next_number() >> 8);
      speed[i][d] = 0;
    }
  }
  for (int step = 0; step < 20; step++) {
    for (int i = 0; i < BODIES; i++) {
      for (int j = 0; j < BODIES; j++) {
        const double x = place[j][0] - place[i][0], y = place[j][1] - place[i][1],
                     z = place[j][2] - place[i][2];
        const double force = 1e3 / (x * x + y * y + z * z + 1.0);
        speed[i][0] += x * force;
        speed[i][1] += y * force;
        speed[i][2] += z * force;
      }
    }
    for (int i = 0; i < BODIES; i++) {
      for (int d = 0; d < 3; d++) place[i][d] += speed[i][d];
    }
  }
  uint32_t sum = 0;
  for (int i = 0; i < BODIES; i++)
    sum = sum * 31 + (uint32_t)(int64_t)(place[i][0] + place[i][1] + place[i][2]);
  return sum;
}

// The units take about as long as each other.
static const struct {
  const char* name;
  uint32_t (*run)(void);
  int unit;
} kernels[] = {
    {"list", list_kernel, 30},
    {"matrix", matrix_kernel, 4000},
    {"large_matrix", large_matrix_kernel, 20},
    {"machine", machine_kernel, 75},
    {"crc", crc_kernel, 25},
    {"sort", sort_kernel, 2},
    {"hash", hash_kernel, 4},
    {"float", float_kernel, 40},
};

int main(int argc, char** argv) {
  const int scale = argc > 1 ? atoi(argv[1]) : 1;
  for (size_t k = 0; k < sizeof kernels / sizeof *kernels; k++) {
    uint32_t sum = 0;
    seed = 12345;
    const double start = now();
    for (int i = 0; i < scale * kernels[k].unit; i++) sum = sum * 31 + kernels[k].run();
    printf("%s %.6f %08" PRIx32 "\n", kernels[k].name, now() - start, sum);
  }
  return 0;
}
