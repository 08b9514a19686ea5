// A guest that nobody wrote: its arguments are a seed and a number of steps, and each step is a call of
// WASI 0.1 that the seed chose, with arguments that it chose, good and bad. Whatever the host answers goes
// into the state that chooses the next call, so that one answer that differs changes all that follows.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wasi/api.h>

enum { OPEN_MOST = 8, BYTES = 3000 };

static uint64_t state;
static uint8_t bytes[BYTES];
static __wasi_fd_t opened[OPEN_MOST];
static int open_count;

static uint32_t next(uint32_t below) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(state >> 33) % below;
}

static void hear(const void* what, size_t size) {
  const uint8_t* at = what;
  while (size-- > 0) state = (state ^ *at++) * 1099511628211u;
}

// Mostly 3, the folder, and what was opened; at times a number of nothing.
static __wasi_fd_t some_fd(void) {
  if (next(8) == 0) return next(20);
  return open_count > 0 && next(3) > 0 ? opened[next((uint32_t)open_count)] : 3;
}

static const char* some_path(void) {
  static const char* const paths[] = {"a", "b", "folder", "folder/c", "none/d", "..", "", "link", "e"};
  return paths[next(sizeof paths / sizeof *paths)];
}

static void print_state(void) {
  char line[64];
  const int size = snprintf(line, sizeof line, "%016llx\n", (unsigned long long)state);
  __wasi_size_t written = 0;
  const __wasi_ciovec_t out[] = {{(const uint8_t*)line, (size_t)size / 2}, {(const uint8_t*)line + size / 2, (size_t)(size - size / 2)}};
  const __wasi_errno_t error = __wasi_fd_write(1 + next(2), out, 2, &written);
  hear(&error, sizeof error);
  hear(&written, sizeof written);
}

static __wasi_errno_t open_some(void) {
  __wasi_fd_t fd = 0;
  const __wasi_rights_t rights = next(2) ? ((__wasi_rights_t)1 << 29) - 1 : __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_SEEK;
  const __wasi_errno_t error = __wasi_path_open(some_fd(), (__wasi_lookupflags_t)next(2), some_path(),
                                                (__wasi_oflags_t)next(16), rights, rights,
                                                (__wasi_fdflags_t)next(2), &fd);
  if (error == 0) {
    hear(&fd, sizeof fd);
    if (open_count < OPEN_MOST) {
      opened[open_count++] = fd;
    } else {
      return __wasi_fd_close(fd);
    }
  }
  return error;
}

static __wasi_errno_t close_some(void) {
  if (open_count == 0) return 0;
  const __wasi_fd_t fd = opened[--open_count];
  return __wasi_fd_close(fd);
}

static __wasi_errno_t read_some(void) {
  __wasi_size_t count = 0;
  const uint32_t half = next(BYTES / 2);
  const __wasi_iovec_t in[] = {{bytes, next(3) ? half : 0}, {bytes + half, next(BYTES / 2)}};
  const __wasi_fd_t fd = next(6) == 0 ? 0 : some_fd();
  const __wasi_errno_t error = next(2) ? __wasi_fd_read(fd, in, 1 + next(2), &count)
                                       : __wasi_fd_pread(fd, in, 2, next(5000), &count);
  hear(&count, sizeof count);
  return error;
}

static __wasi_errno_t write_some(void) {
  __wasi_size_t count = 0;
  for (int i = 0; i < BYTES; i += 7) bytes[i] = (uint8_t)(state >> (i % 56));
  const __wasi_ciovec_t out[] = {{bytes, next(BYTES)}, {bytes + 5, next(300)}};
  const __wasi_fd_t fd = some_fd();
  const __wasi_errno_t error = next(2) ? __wasi_fd_write(fd, out, 1 + next(2), &count)
                                       : __wasi_fd_pwrite(fd, out, 1, next(4000), &count);
  hear(&count, sizeof count);
  return error;
}

static __wasi_errno_t wait_some(void) {
  __wasi_subscription_t in[2];
  __wasi_event_t out[2];
  __wasi_size_t count = 0;
  memset(in, 0, sizeof in);
  memset(out, 0, sizeof out);
  in[0].userdata = state;
  in[0].u.tag = __WASI_EVENTTYPE_CLOCK;
  in[0].u.u.clock.id = next(2);
  in[0].u.u.clock.timeout = next(200000);
  in[1].u.tag = __WASI_EVENTTYPE_FD_WRITE;
  in[1].u.u.fd_write.file_descriptor = 1;
  const __wasi_errno_t error = __wasi_poll_oneoff(in, out, 1 + next(2), &count);
  hear(out, error == 0 ? count * sizeof *out : 0);
  hear(&count, sizeof count);
  return error;
}

static __wasi_errno_t look_at_some(void) {
  __wasi_filestat_t stat;
  __wasi_fdstat_t flags;
  memset(&stat, 0, sizeof stat);
  memset(&flags, 0, sizeof flags);
  const __wasi_errno_t error = next(2) ? __wasi_fd_filestat_get(some_fd(), &stat)
                                       : __wasi_path_filestat_get(3, next(2), some_path(), &stat);
  const __wasi_errno_t other = __wasi_fd_fdstat_get(some_fd(), &flags);
  hear(&stat, sizeof stat);
  hear(&flags.fs_filetype, 1);
  hear(&flags.fs_flags, sizeof flags.fs_flags);
  return (__wasi_errno_t)(error * 100 + other);
}

static __wasi_errno_t change_some(void) {
  switch (next(8)) {
    case 0: return __wasi_path_create_directory(3, some_path());
    case 1: return __wasi_path_unlink_file(3, some_path());
    case 2: return __wasi_path_remove_directory(3, some_path());
    case 3: return __wasi_path_rename(3, some_path(), 3, some_path());
    case 4: return __wasi_path_symlink(some_path(), 3, some_path());
    case 5: return __wasi_path_link(3, 0, some_path(), 3, some_path());
    case 6: return __wasi_fd_filestat_set_size(some_fd(), next(6000));
    default: return __wasi_path_filestat_set_times(3, 0, some_path(), state >> 8, 0, __WASI_FSTFLAGS_ATIM | __WASI_FSTFLAGS_MTIM_NOW);
  }
}

static __wasi_errno_t list_some(void) {
  __wasi_size_t used = 0;
  char name[40];
  memset(name, 0, sizeof name);
  const __wasi_errno_t linked = __wasi_path_readlink(3, "link", (uint8_t*)name, next(sizeof name), &used);
  hear(name, sizeof name);
  const __wasi_errno_t error = __wasi_fd_readdir(some_fd(), bytes, next(BYTES), next(4), &used);
  hear(&used, sizeof used);
  return (__wasi_errno_t)(error * 100 + linked);
}

static __wasi_errno_t move_some(void) {
  __wasi_filesize_t at = 0;
  const __wasi_errno_t error = __wasi_fd_seek(some_fd(), (int64_t)next(5000) - 1000, (__wasi_whence_t)next(3), &at);
  hear(&at, sizeof at);
  const __wasi_errno_t told = __wasi_fd_tell(some_fd(), &at);
  hear(&at, sizeof at);
  return (__wasi_errno_t)(error * 100 + told);
}

static __wasi_errno_t ask_clock(void) {
  __wasi_timestamp_t time = 0;
  const __wasi_errno_t error = next(4) ? __wasi_clock_time_get(next(4), next(1000), &time)
                                       : __wasi_clock_res_get(next(4), &time);
  hear(&time, sizeof time);
  return error;
}

static __wasi_errno_t roll_dice(void) {
  return __wasi_random_get(bytes + next(100), next(BYTES - 100));
}

static void* grown;
static __wasi_errno_t grow_some(void) {
  free(grown);
  grown = malloc(next(400000));
  if (grown != NULL) memset(grown, 1, 1);
  return grown == NULL;
}

static __wasi_errno_t (*const calls[])(void) = {open_some, close_some, read_some,  read_some, write_some, wait_some, look_at_some,
                                                change_some, list_some, move_some, ask_clock, roll_dice, grow_some};

int main(int count, char** words) {
  state = count > 1 ? strtoull(words[1], NULL, 10) * 0x9E3779B97F4A7C15u + 1 : 1;
  const uint32_t steps = count > 2 ? (uint32_t)atoi(words[2]) : 40;
  for (int i = 0; i < count; i++) hear(words[i], strlen(words[i]));
  const char* const variable = getenv("WANDER");
  if (variable != NULL) hear(variable, strlen(variable));
  for (uint32_t step = 0; step < steps; step++) {
    const uint32_t call = next(sizeof calls / sizeof *calls);
    const __wasi_errno_t error = calls[call]();
    hear(&error, sizeof error);
    hear(bytes, BYTES);
    print_state();
  }
  if (next(10) == 0) __builtin_trap();
  return (int)next(4);
}
