// Filters of log records as Fluent Bit calls them, each a function of its own: well-behaved ones, and
// one for each way to misbehave. Built without an allocator, with one of its own (OWN_MALLOC), with
// one as AssemblyScript's (SCRIPT), and with a C library that the host provides (ENV_LIBC).

#define EXPORT __attribute__((visibility("default")))
#define FILTER(name)                                                                            \
  EXPORT char *name(const char *tag, int tag_size, unsigned seconds, unsigned nanoseconds,      \
                    const char *record, int size)
#define UNUSED (void)tag, (void)tag_size, (void)seconds, (void)nanoseconds, (void)record, (void)size

typedef unsigned long size_t;

#define ENV(name) __attribute__((import_module("env"), import_name(#name)))
#ifdef ENV_LIBC
ENV(malloc) void *malloc(size_t);
ENV(free) void free(void *);
ENV(sprintf) int sprintf(char *, const char *, ...);
ENV(puts) int puts(const char *);
ENV(memset) void *memset(void *, int, size_t);
ENV(exit) void exit(int);
#endif

void *memcpy(void *to, const void *from, size_t size) {
  for (size_t i = 0; i < size; ++i) ((char *)to)[i] = ((const char *)from)[i];
  return to;
}

static char room[1 << 16];
static unsigned calls;

static char *copy(const char *text) {
  char *to = room;
  while ((*to++ = *text++)) {
  }
  return room;
}

FILTER(pass) {
  UNUSED;
  return (char *)record;
}

static char *number(char *to, unsigned value) {
  char digits[10];
  int count = 0;
  do digits[count++] = (char)('0' + value % 10);
  while (value /= 10);
  while (count > 0) *to++ = digits[--count];
  return to;
}

// {"tag":TAG,"time":SECONDS.NANOSECONDS as two numbers,"calls":N,"was":RECORD}
FILTER(wrap) {
  UNUSED;
  char *to = room;
#define PUT(text) memcpy(to, text, sizeof(text) - 1), to += sizeof(text) - 1
  PUT("{\"tag\":\"");
  memcpy(to, tag, (size_t)tag_size), to += tag_size;
  PUT("\",\"seconds\":");
  to = number(to, seconds);
  PUT(",\"nanoseconds\":");
  to = number(to, nanoseconds);
  PUT(",\"calls\":");
  to = number(to, ++calls);
  PUT(",\"ends\":");
  to = number(to, (unsigned)(tag[tag_size] == 0 && record[size] == 0));
  PUT(",\"was\":");
  memcpy(to, record, (size_t)size), to += size;
  PUT("}");
  *to = 0;
  return room;
}

FILTER(nothing) {
  UNUSED;
  return 0;
}
FILTER(empty) {
  UNUSED;
  return copy("");
}
FILTER(words) {
  UNUSED;
  return copy("no json at all");
}
FILTER(array) {
  UNUSED;
  return copy("[{\"a\":1}]");
}
FILTER(two) {
  UNUSED;
  return copy("{\"a\":1}{\"b\":2}");
}
FILTER(far_away) {
  UNUSED;
  return (char *)0xfffffff0;
}
FILTER(no_end) {
  UNUSED;
  char *end = (char *)(__builtin_wasm_memory_size(0) << 16);
  end[-1] = 'x';
  return end - 1;
}
FILTER(crash) {
  UNUSED;
  __builtin_trap();
}
FILTER(loop) {
  UNUSED;
  for (volatile int i = 0;; ++i) {
  }
}
// Memory that is never given back, a page a record.
FILTER(leak) {
  UNUSED;
  if (__builtin_wasm_memory_grow(0, 1) == (size_t)-1) __builtin_trap();
  return (char *)record;
}
// More at once than the limit allows.
FILTER(hog) {
  UNUSED;
  while (__builtin_wasm_memory_grow(0, 64) != (size_t)-1) {
  }
  __builtin_trap();
}
// Fails on records with a "!" in them.
FILTER(picky) {
  UNUSED;
  for (int i = 0; i < size; ++i)
    if (record[i] == '!') __builtin_trap();
  return (char *)record;
}
// {"n": 0, "z": 0.0} as msgpack: zero bytes in it and at its end, none behind it.
FILTER(zeros) {
  UNUSED;
  static const unsigned char map[] = {0x82, 0xa1, 'n', 0x00, 0xa1, 'z', 0xcb, 0, 0, 0, 0, 0, 0, 0, 0};
  memcpy(room, map, sizeof(map));
  for (int i = 0; i < 64; ++i) room[sizeof(map) + (size_t)i] = (char)0xc1;
  return room;
}
FILTER(no_map) {
  UNUSED;
  room[0] = (char)0x91;
  room[1] = 0;
  return room;
}
FILTER(msgpack_without_end) {
  UNUSED;
  char *end = (char *)(__builtin_wasm_memory_size(0) << 16);
  end[-2] = (char)0x81, end[-1] = (char)0xa5;
  return end - 2;
}
// An allocator that begins late, takes all memory there is, and marks its end.
FILTER(takes_all) {
  UNUSED;
  if (calls++ == 0) {
    char *end = (char *)(__builtin_wasm_memory_size(0) << 16);
    for (char *at = end - 64; at < end; ++at) *at = 1;
  }
  return (char *)record;
}
EXPORT int of_another_type(int a) { return a; }

#ifdef OWN_MALLOC
// Blocks one after the other; the last can be given back. As a collector of garbage would, it writes
// over all of them before it gives one: what the host kept is lost.
static size_t used;
static char heap[1 << 18];
static int blocks;
EXPORT void *malloc(size_t size) {
  if (used + size > sizeof(heap)) return 0;
  ++blocks;
  for (size_t i = 0; i < used + size; ++i) heap[i] = '#';
  char *block = heap + used;
  used += (size + 15) & ~(size_t)15;
  return block;
}
EXPORT void free(void *block) {
  --blocks;
  used = (size_t)((char *)block - heap);
}
FILTER(block_count) {
  UNUSED;
  char *to = room;
  PUT("{\"blocks\":");
  to = number(to, (unsigned)blocks);
  PUT("}");
  *to = 0;
  return room;
}
#endif

#ifdef SCRIPT
// Objects of a class, which stay while they are pinned.
ENV(abort) void script_abort(const char *, const char *, int, int);
static char heap[1 << 20];
static size_t used;
static int pinned, objects;
EXPORT void *__new(size_t size, int class) {
  if (class != 0 || used + size > sizeof(heap)) return 0;
  ++objects;
  char *object = heap + used;
  used += (size + 15) & ~(size_t)15;
  return object;
}
EXPORT void *__pin(void *object) {
  ++pinned;
  return object;
}
EXPORT void __unpin(void *object) {
  (void)object;
  --pinned;
}
FILTER(pinned_of_objects) {
  UNUSED;
  char *to = room;
  PUT("{\"pinned\":");
  to = number(to, (unsigned)pinned);
  PUT(",\"objects\":");
  to = number(to, (unsigned)objects);
  PUT("}");
  *to = 0;
  return room;
}
FILTER(aborts) {
  UNUSED;
  script_abort("why", "where", 1, 2);
  return 0;
}
#endif

#ifdef ENV_LIBC
// What it returns is never freed.
FILTER(env_add) {
  UNUSED;
  char *made = malloc((size_t)size + 200);
  sprintf(made, "{\"tag\":\"%s\",\"at\":%u.%09u,\"n\":%d,\"was\":%s}", tag, seconds, nanoseconds, -7,
          record);
  return made;
}
// One buffer for ever.
FILTER(env_own_buffer) {
  UNUSED;
  static char *mine;
  if (!mine) mine = malloc(4096);
  sprintf(mine, "{\"calls\":%d}", (int)++calls);
  return mine;
}
// Two blocks a record, neither given back: the heap grows until the instance is made anew.
FILTER(env_leak) {
  UNUSED;
  malloc(100000);
  return env_add(tag, tag_size, seconds, nanoseconds, record, size);
}
// Small blocks, so many that their number finds its bound long before the memory does. Without one
// it gives up.
FILTER(env_leak_small) {
  UNUSED;
  for (int i = 0; i < 1000; ++i)
    if (!malloc(1)) return 0;
  return (char *)record;
}
// More than there is.
FILTER(env_hungry) {
  UNUSED;
  return malloc(1 << 29);
}
// Nothing but calls of the host, some milliseconds each: no loop and no function of the guest's
// begins between them.
FILTER(env_straight) {
  UNUSED;
#define TEN(call) call call call call call call call call call call
  const size_t large = 48 << 20;
  char *block = malloc(large);
  TEN(TEN(TEN(memset(block, 1, large);)))
  free(block);
  return (char *)record;
}
FILTER(env_exit) {
  UNUSED;
  puts("it was nice here");
  exit(4);
  return 0;
}
FILTER(env_free_twice) {
  UNUSED;
  char *block = malloc(10);
  free(block);
  free(block);
  return 0;
}
#endif
