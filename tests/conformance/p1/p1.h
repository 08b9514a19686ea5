// What the programs for WASI 0.1 share: the folders that the tests grant, and a file to play with.
#pragma once

#include "../check.h"
#include <wasi/api.h>

// /data to read and write, /fixed to read.
enum { DATA = 3, FIXED = 4, NO_SUCH = 99 };

#define OK __WASI_ERRNO_SUCCESS

static inline __wasi_errno_t open_with(__wasi_fd_t at, const char* path, __wasi_oflags_t oflags,
                                       __wasi_fdflags_t fdflags, __wasi_fd_t* fd) {
  return __wasi_path_open(at, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, path, oflags,
                          __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_WRITE | __WASI_RIGHTS_FD_SEEK, 0,
                          fdflags, fd);
}

// A file of /data with this content, open; its offset is at the beginning.
static inline __wasi_fd_t file_with(const char* path, const char* content) {
  __wasi_fd_t fd = NO_SUCH;
  __wasi_size_t written = 0;
  __wasi_ciovec_t bytes = {(const uint8_t*)content, strlen(content)};
  is("a file is made", open_with(DATA, path, __WASI_OFLAGS_CREAT | __WASI_OFLAGS_TRUNC, 0, &fd),
     OK);
  if (bytes.buf_len) is("it is filled", __wasi_fd_pwrite(fd, &bytes, 1, 0, &written), OK);
  return fd;
}

static inline __wasi_filesize_t size_of(__wasi_fd_t fd) {
  __wasi_filestat_t stat = {0};
  return __wasi_fd_filestat_get(fd, &stat) == OK ? stat.size : (__wasi_filesize_t)-1;
}
