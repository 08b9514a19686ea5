// Reading, writing and seeking. What is on stdin is "from outside".
#include "p1.h"

static __wasi_size_t count;
static uint8_t first[8], second[8];
static const __wasi_iovec_t two[] = {{first, 4}, {second, 8}};

static void reading(__wasi_fd_t file) {
  is("fd_read into two buffers", __wasi_fd_read(file, two, 2, &count), OK);
  check("fd_read: what is read", count > 0 && memcmp(first, "0123", 4) == 0);
  is("fd_pread", __wasi_fd_pread(file, two, 1, 6, &count), OK);
  check("fd_pread: from there", count == 4 && memcmp(first, "6789", 4) == 0);
  is("fd_pread: behind the end", __wasi_fd_pread(file, two, 1, 100, &count), OK);
  is("fd_pread: nothing there", count, 0);
  is("fd_read: no buffer", __wasi_fd_read(file, two, 0, &count), OK);
  is("fd_read: a folder", __wasi_fd_read(DATA, two, 1, &count), __WASI_ERRNO_BADF);
  is("fd_read: stdout", __wasi_fd_read(1, two, 1, &count), __WASI_ERRNO_BADF);
}

static void seeking(__wasi_fd_t file) {
  const struct {
    const char* name;
    __wasi_filedelta_t by;
    __wasi_whence_t whence;
    __wasi_errno_t error;
    __wasi_filesize_t at;
  } seeks[] = {
      {"fd_seek: set", 3, __WASI_WHENCE_SET, OK, 3},
      {"fd_seek: forwards", 2, __WASI_WHENCE_CUR, OK, 5},
      {"fd_seek: backwards", -1, __WASI_WHENCE_CUR, OK, 4},
      {"fd_seek: before the end", -2, __WASI_WHENCE_END, OK, 8},
      {"fd_seek: behind the end", 5, __WASI_WHENCE_END, OK, 15},
      {"fd_seek: before the beginning", -1, __WASI_WHENCE_SET, __WASI_ERRNO_INVAL, 15},
      {"fd_seek: far before it", -100, __WASI_WHENCE_CUR, __WASI_ERRNO_INVAL, 15},
  };
  for (size_t i = 0; i < sizeof seeks / sizeof *seeks; i++) {
    __wasi_filesize_t at = 0, told = 0;
    is(seeks[i].name, __wasi_fd_seek(file, seeks[i].by, seeks[i].whence, &at), seeks[i].error);
    if (seeks[i].error == OK) is(seeks[i].name, at, seeks[i].at);
    is("fd_tell", __wasi_fd_tell(file, &told), OK);
    is(seeks[i].name, told, seeks[i].at);
  }
  __wasi_filesize_t at;
  is("fd_seek: a folder", __wasi_fd_seek(DATA, 0, __WASI_WHENCE_SET, &at), __WASI_ERRNO_BADF);
  is("fd_seek: a pipe", __wasi_fd_seek(0, 0, __WASI_WHENCE_SET, &at), __WASI_ERRNO_SPIPE);
  is("fd_tell: a pipe", __wasi_fd_tell(0, &at), __WASI_ERRNO_SPIPE);
}

static void writing(__wasi_fd_t file) {
  const __wasi_ciovec_t text = {(const uint8_t*)"abc", 3};
  __wasi_filesize_t at = 0;
  is("back to the beginning", __wasi_fd_seek(file, 0, __WASI_WHENCE_SET, &at), OK);
  is("fd_write", __wasi_fd_write(file, &text, 1, &count), OK);
  is("fd_write: how much", count, 3);
  is("fd_pwrite", __wasi_fd_pwrite(file, &text, 1, 5, &count), OK);
  is("fd_pwrite leaves the offset", __wasi_fd_tell(file, &at), OK);
  is("the offset", at, 3);
  is("fd_fdstat_set_flags: append", __wasi_fd_fdstat_set_flags(file, __WASI_FDFLAGS_APPEND), OK);
  is("fd_write: appended", __wasi_fd_write(file, &text, 1, &count), OK);
  uint8_t all[16] = {0};
  const __wasi_iovec_t whole = {all, sizeof all};
  is("all of it", __wasi_fd_pread(file, &whole, 1, 0, &count), OK);
  check("what was written", count == 13 && memcmp(all, "abc34abc89abc", 13) == 0);
  is("fd_write: a folder", __wasi_fd_write(DATA, &text, 1, &count), __WASI_ERRNO_BADF);
  is("fd_write: stdin", __wasi_fd_write(0, &text, 1, &count), __WASI_ERRNO_BADF);
}

static void read_only(void) {
  __wasi_fd_t fd = NO_SUCH;
  const __wasi_ciovec_t text = {(const uint8_t*)"abc", 3};
  is("open for reading",
     __wasi_path_open(DATA, 0, "bytes.txt", 0, __WASI_RIGHTS_FD_READ, 0, 0, &fd), OK);
  is("fd_write: not for writing", __wasi_fd_write(fd, &text, 1, &count), __WASI_ERRNO_BADF);
  is("fd_filestat_set_size: not for writing", __wasi_fd_filestat_set_size(fd, 0),
     __WASI_ERRNO_INVAL);
  is("open for writing",
     __wasi_path_open(DATA, 0, "bytes.txt", 0, __WASI_RIGHTS_FD_WRITE, 0, 0, &fd), OK);
  is("fd_read: not for reading", __wasi_fd_read(fd, two, 1, &count), __WASI_ERRNO_BADF);
}

static void standard_input(void) {
  char text[32] = {0};
  size_t filled = 0;
  for (;;) {
    const __wasi_iovec_t rest = {(uint8_t*)text + filled, sizeof text - filled};
    if (!is("fd_read: stdin", __wasi_fd_read(0, &rest, 1, &count), OK) || count == 0) break;
    filled += count;
  }
  check("stdin to its end", filled == 12 && memcmp(text, "from outside", 12) == 0);
}

int main(void) {
  const __wasi_fd_t file = file_with("bytes.txt", "0123456789");
  reading(file);
  seeking(file);
  writing(file);
  read_only();
  standard_input();
  return done();
}
