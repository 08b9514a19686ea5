// What can be done with an open descriptor: fd_* but for reading and writing, which are in bytes.c.
#include "p1.h"

static void bad_descriptors(void) {
  __wasi_fdstat_t fdstat;
  __wasi_filestat_t filestat;
  __wasi_filesize_t offset;
  __wasi_size_t size;
  __wasi_prestat_t prestat;
  uint8_t bytes[8];
  const __wasi_iovec_t in = {bytes, sizeof bytes};
  const __wasi_ciovec_t out = {bytes, sizeof bytes};
  const struct {
    const char* name;
    __wasi_errno_t error;
  } calls[] = {
      {"fd_advise", __wasi_fd_advise(NO_SUCH, 0, 1, __WASI_ADVICE_NORMAL)},
      {"fd_allocate", __wasi_fd_allocate(NO_SUCH, 0, 1)},
      {"fd_close", __wasi_fd_close(NO_SUCH)},
      {"fd_datasync", __wasi_fd_datasync(NO_SUCH)},
      {"fd_fdstat_get", __wasi_fd_fdstat_get(NO_SUCH, &fdstat)},
      {"fd_fdstat_set_flags", __wasi_fd_fdstat_set_flags(NO_SUCH, 0)},
      {"fd_fdstat_set_rights", __wasi_fd_fdstat_set_rights(NO_SUCH, 0, 0)},
      {"fd_filestat_get", __wasi_fd_filestat_get(NO_SUCH, &filestat)},
      {"fd_filestat_set_size", __wasi_fd_filestat_set_size(NO_SUCH, 1)},
      {"fd_filestat_set_times", __wasi_fd_filestat_set_times(NO_SUCH, 0, 0, 0)},
      {"fd_pread", __wasi_fd_pread(NO_SUCH, &in, 1, 0, &size)},
      {"fd_prestat_get", __wasi_fd_prestat_get(NO_SUCH, &prestat)},
      {"fd_prestat_dir_name", __wasi_fd_prestat_dir_name(NO_SUCH, bytes, sizeof bytes)},
      {"fd_pwrite", __wasi_fd_pwrite(NO_SUCH, &out, 1, 0, &size)},
      {"fd_read", __wasi_fd_read(NO_SUCH, &in, 1, &size)},
      {"fd_readdir", __wasi_fd_readdir(NO_SUCH, bytes, sizeof bytes, 0, &size)},
      {"fd_renumber from", __wasi_fd_renumber(NO_SUCH, DATA)},
      {"fd_renumber to", __wasi_fd_renumber(DATA, NO_SUCH)},
      {"fd_seek", __wasi_fd_seek(NO_SUCH, 0, __WASI_WHENCE_SET, &offset)},
      {"fd_sync", __wasi_fd_sync(NO_SUCH)},
      {"fd_tell", __wasi_fd_tell(NO_SUCH, &offset)},
      {"fd_write", __wasi_fd_write(NO_SUCH, &out, 1, &size)},
  };
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
    is(calls[i].name, calls[i].error, __WASI_ERRNO_BADF);
}

static void preopened(void) {
  __wasi_prestat_t prestat = {0};
  uint8_t name[8] = {0};
  is("fd_prestat_get", __wasi_fd_prestat_get(DATA, &prestat), OK);
  is("fd_prestat_get: a directory", prestat.tag, __WASI_PREOPENTYPE_DIR);
  is("fd_prestat_get: its name's length", prestat.u.dir.pr_name_len, 5);
  is("fd_prestat_dir_name", __wasi_fd_prestat_dir_name(DATA, name, 5), OK);
  check("fd_prestat_dir_name: its name", memcmp(name, "/data", 5) == 0);
  is("fd_prestat_dir_name: too short", __wasi_fd_prestat_dir_name(DATA, name, 4),
     __WASI_ERRNO_NAMETOOLONG);
  is("fd_prestat_get: stdout is none", __wasi_fd_prestat_get(1, &prestat), __WASI_ERRNO_BADF);
}

static void states(__wasi_fd_t file) {
  __wasi_fdstat_t stat = {0};
  is("fd_fdstat_get", __wasi_fd_fdstat_get(file, &stat), OK);
  is("fd_fdstat_get: a file", stat.fs_filetype, __WASI_FILETYPE_REGULAR_FILE);
  is("fd_fdstat_get: no flags", stat.fs_flags, 0);
  check("fd_fdstat_get: it may be read and written",
        (stat.fs_rights_base & __WASI_RIGHTS_FD_READ) &&
            (stat.fs_rights_base & __WASI_RIGHTS_FD_WRITE));
  is("fd_fdstat_set_flags",
     __wasi_fd_fdstat_set_flags(file, __WASI_FDFLAGS_APPEND | __WASI_FDFLAGS_NONBLOCK), OK);
  is("fd_fdstat_get again", __wasi_fd_fdstat_get(file, &stat), OK);
  is("fd_fdstat_set_flags: they are kept", stat.fs_flags,
     __WASI_FDFLAGS_APPEND | __WASI_FDFLAGS_NONBLOCK);
  is("fd_fdstat_set_flags: back", __wasi_fd_fdstat_set_flags(file, 0), OK);
  is("fd_fdstat_set_flags: not sync", __wasi_fd_fdstat_set_flags(file, __WASI_FDFLAGS_SYNC),
     __WASI_ERRNO_INVAL);
  is("fd_fdstat_set_rights is not offered", __wasi_fd_fdstat_set_rights(file, 0, 0),
     __WASI_ERRNO_NOTSUP);
  is("fd_fdstat_get: a folder", __wasi_fd_fdstat_get(DATA, &stat), OK);
  is("fd_fdstat_get: its type", stat.fs_filetype, __WASI_FILETYPE_DIRECTORY);
  for (__wasi_fd_t fd = 0; fd < 3; fd++)
    is("fd_fdstat_get: stdio", __wasi_fd_fdstat_get(fd, &stat), OK);
}

static void attributes(__wasi_fd_t file) {
  __wasi_filestat_t stat = {0};
  is("fd_filestat_get", __wasi_fd_filestat_get(file, &stat), OK);
  is("fd_filestat_get: a file", stat.filetype, __WASI_FILETYPE_REGULAR_FILE);
  is("fd_filestat_get: its size", stat.size, 10);
  is("fd_filestat_get: its links", stat.nlink, 1);
  is("fd_filestat_set_size: longer", __wasi_fd_filestat_set_size(file, 100), OK);
  is("it is longer", size_of(file), 100);
  is("fd_filestat_set_size: shorter", __wasi_fd_filestat_set_size(file, 10), OK);
  is("it is shorter", size_of(file), 10);
  is("fd_filestat_set_size: a folder", __wasi_fd_filestat_set_size(DATA, 1), __WASI_ERRNO_BADF);
  const __wasi_fstflags_t both = __WASI_FSTFLAGS_ATIM | __WASI_FSTFLAGS_MTIM;
  is("fd_filestat_set_times", __wasi_fd_filestat_set_times(file, 1000000000, 2000000000, both), OK);
  is("fd_filestat_get again", __wasi_fd_filestat_get(file, &stat), OK);
  is("its time of access", stat.atim, 1000000000);
  is("its time of change", stat.mtim, 2000000000);
  is("fd_filestat_set_times: now",
     __wasi_fd_filestat_set_times(file, 0, 0, __WASI_FSTFLAGS_MTIM_NOW), OK);
  is("fd_filestat_get now", __wasi_fd_filestat_get(file, &stat), OK);
  check("now is later, and the other stays",
        stat.mtim > 1704067200ull * 1000000000 && stat.atim == 1000000000);
  is("fd_filestat_set_times: two at once",
     __wasi_fd_filestat_set_times(file, 0, 0, __WASI_FSTFLAGS_MTIM | __WASI_FSTFLAGS_MTIM_NOW),
     __WASI_ERRNO_INVAL);
}

static void storage(__wasi_fd_t file) {
  for (__wasi_advice_t advice = 0; advice <= __WASI_ADVICE_NOREUSE; advice++) {
    is("fd_advise", __wasi_fd_advise(file, 0, 4, advice), OK);
  }
  is("fd_advise: a folder", __wasi_fd_advise(DATA, 0, 4, 0), __WASI_ERRNO_BADF);
  is("fd_allocate is not offered", __wasi_fd_allocate(file, 0, 100), __WASI_ERRNO_NOTSUP);
  is("fd_datasync", __wasi_fd_datasync(file), OK);
  is("fd_sync", __wasi_fd_sync(file), OK);
}

static void numbers(__wasi_fd_t file) {
  const __wasi_fd_t other = file_with("other.txt", "other");
  is("fd_renumber: to itself", __wasi_fd_renumber(other, other), OK);
  is("fd_renumber", __wasi_fd_renumber(other, file), OK);
  is("what was there is gone", size_of(file), 5);
  is("and its old number", __wasi_fd_close(other), __WASI_ERRNO_BADF);
  is("fd_close", __wasi_fd_close(file), OK);
  is("fd_close twice", __wasi_fd_close(file), __WASI_ERRNO_BADF);
}

int main(void) {
  bad_descriptors();
  preopened();
  const __wasi_fd_t file = file_with("descriptors.txt", "0123456789");
  states(file);
  attributes(file);
  storage(file);
  numbers(file);
  return done();
}
