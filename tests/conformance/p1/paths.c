// path_*: the tree is made by the test: /data/file.txt ("0123456789"), /data/folder/inner.txt,
// /data/link -> file.txt, /data/way-out -> ../secret.txt (outside), /fixed/file.txt for reading.
#include "p1.h"

#define FOLLOW __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW
#define CREATE __WASI_OFLAGS_CREAT
#define EXCLUSIVE __WASI_OFLAGS_EXCL
#define TRUNCATE __WASI_OFLAGS_TRUNC
#define FOLDER __WASI_OFLAGS_DIRECTORY
#define READ __WASI_RIGHTS_FD_READ
#define WRITE __WASI_RIGHTS_FD_WRITE

static void opening(void) {
  const struct {
    const char* name;
    __wasi_fd_t at;
    __wasi_lookupflags_t lookup;
    const char* path;
    __wasi_oflags_t oflags;
    __wasi_rights_t rights;
    __wasi_errno_t error;
  } opens[] = {
      {"a file", DATA, 0, "file.txt", 0, READ, OK},
      {"a file in a folder", DATA, 0, "folder/inner.txt", 0, READ, OK},
      {"a path through the parent", DATA, 0, "folder/../file.txt", 0, READ, OK},
      {"a folder", DATA, 0, "folder", FOLDER, READ, OK},
      {"the folder itself", DATA, 0, ".", FOLDER, READ, OK},
      {"a new file", DATA, 0, "new.txt", CREATE, READ | WRITE, OK},
      {"a new file that must be new", DATA, 0, "newer.txt", CREATE | EXCLUSIVE, WRITE, OK},
      {"truncated", DATA, 0, "newer.txt", TRUNCATE, WRITE, OK},
      {"a link that is followed", DATA, FOLLOW, "link", 0, READ, OK},
      {"a link that is not", DATA, 0, "link", 0, READ, __WASI_ERRNO_LOOP},
      {"it is there already", DATA, 0, "file.txt", CREATE | EXCLUSIVE, WRITE, __WASI_ERRNO_EXIST},
      {"no such file", DATA, 0, "missing", 0, READ, __WASI_ERRNO_NOENT},
      {"no such folder", DATA, 0, "missing/file", CREATE, WRITE, __WASI_ERRNO_NOENT},
      {"a file is no folder", DATA, 0, "file.txt", FOLDER, READ, __WASI_ERRNO_NOTDIR},
      {"a file has no files", DATA, 0, "file.txt/more", 0, READ, __WASI_ERRNO_NOTDIR},
      {"a file ends with a slash", DATA, 0, "file.txt/", 0, READ, __WASI_ERRNO_NOTDIR},
      {"an empty path", DATA, 0, "", 0, READ, __WASI_ERRNO_NOENT},
      {"from the root", DATA, 0, "/file.txt", 0, READ, __WASI_ERRNO_PERM},
      {"above the folder", DATA, 0, "../secret.txt", 0, READ, __WASI_ERRNO_PERM},
      {"above it on a detour", DATA, 0, "folder/../../secret.txt", 0, READ, __WASI_ERRNO_PERM},
      {"above it by a link", DATA, FOLLOW, "way-out", 0, READ, __WASI_ERRNO_PERM},
      {"at a number that is not open", NO_SUCH, 0, "file.txt", 0, READ, __WASI_ERRNO_BADF},
      {"at stdout", 1, 0, "file.txt", 0, READ, __WASI_ERRNO_BADF},
      {"for reading where that is granted", FIXED, 0, "file.txt", 0, READ, OK},
      {"for writing where it is not", FIXED, 0, "file.txt", 0, WRITE, __WASI_ERRNO_PERM},
      {"truncated where it may not be", FIXED, 0, "file.txt", TRUNCATE, READ, __WASI_ERRNO_PERM},
      {"made where it may not be", FIXED, 0, "new.txt", CREATE, READ, __WASI_ERRNO_PERM},
  };
  for (size_t i = 0; i < sizeof opens / sizeof *opens; i++) {
    __wasi_fd_t fd = NO_SUCH;
    is(opens[i].name,
       __wasi_path_open(opens[i].at, opens[i].lookup, opens[i].path, opens[i].oflags,
                        opens[i].rights, 0, 0, &fd),
       opens[i].error);
    if (opens[i].error == OK) is("it is closed", __wasi_fd_close(fd), OK);
  }
}

static void attributes(void) {
  __wasi_filestat_t stat = {0};
  is("path_filestat_get", __wasi_path_filestat_get(DATA, 0, "file.txt", &stat), OK);
  is("path_filestat_get: its size", stat.size, 10);
  is("path_filestat_get: the link", __wasi_path_filestat_get(DATA, 0, "link", &stat), OK);
  is("path_filestat_get: it is one", stat.filetype, __WASI_FILETYPE_SYMBOLIC_LINK);
  is("path_filestat_get: through the link", __wasi_path_filestat_get(DATA, FOLLOW, "link", &stat),
     OK);
  is("path_filestat_get: to the file", stat.filetype, __WASI_FILETYPE_REGULAR_FILE);
  is("path_filestat_get: a folder", __wasi_path_filestat_get(DATA, 0, "folder", &stat), OK);
  is("path_filestat_get: it is one", stat.filetype, __WASI_FILETYPE_DIRECTORY);
  is("path_filestat_get: nothing", __wasi_path_filestat_get(DATA, 0, "missing", &stat),
     __WASI_ERRNO_NOENT);
  is("path_filestat_get: outside", __wasi_path_filestat_get(DATA, FOLLOW, "way-out", &stat),
     __WASI_ERRNO_PERM);
  const __wasi_fstflags_t both = __WASI_FSTFLAGS_ATIM | __WASI_FSTFLAGS_MTIM;
  is("path_filestat_set_times",
     __wasi_path_filestat_set_times(DATA, 0, "file.txt", 3000000000, 4000000000, both), OK);
  is("path_filestat_get again", __wasi_path_filestat_get(DATA, 0, "file.txt", &stat), OK);
  check("the times that were set", stat.atim == 3000000000 && stat.mtim == 4000000000);
  is("path_filestat_set_times: nothing",
     __wasi_path_filestat_set_times(DATA, 0, "missing", 0, 0, both), __WASI_ERRNO_NOENT);
  is("path_filestat_set_times: two at once",
     __wasi_path_filestat_set_times(DATA, 0, "file.txt", 0, 0,
                                    __WASI_FSTFLAGS_ATIM | __WASI_FSTFLAGS_ATIM_NOW),
     __WASI_ERRNO_INVAL);
  is("path_filestat_set_times: not there",
     __wasi_path_filestat_set_times(FIXED, 0, "file.txt", 0, 0, both), __WASI_ERRNO_PERM);
}

static void folders(void) {
  is("path_create_directory", __wasi_path_create_directory(DATA, "made"), OK);
  is("path_create_directory: again", __wasi_path_create_directory(DATA, "made"),
     __WASI_ERRNO_EXIST);
  is("path_create_directory: deep", __wasi_path_create_directory(DATA, "made/deep"), OK);
  is("path_create_directory: nowhere", __wasi_path_create_directory(DATA, "missing/deep"),
     __WASI_ERRNO_NOENT);
  is("path_create_directory: outside", __wasi_path_create_directory(DATA, "../made"),
     __WASI_ERRNO_PERM);
  is("path_create_directory: not there", __wasi_path_create_directory(FIXED, "made"),
     __WASI_ERRNO_PERM);
  is("path_remove_directory: not empty", __wasi_path_remove_directory(DATA, "made"),
     __WASI_ERRNO_NOTEMPTY);
  is("path_remove_directory", __wasi_path_remove_directory(DATA, "made/deep"), OK);
  is("path_remove_directory: empty now", __wasi_path_remove_directory(DATA, "made"), OK);
  is("path_remove_directory: gone", __wasi_path_remove_directory(DATA, "made"), __WASI_ERRNO_NOENT);
  is("path_remove_directory: a file", __wasi_path_remove_directory(DATA, "file.txt"),
     __WASI_ERRNO_NOTDIR);
}

static void links(void) {
  uint8_t text[64] = {0};
  __wasi_size_t length = 0;
  __wasi_filestat_t stat = {0};
  is("path_symlink", __wasi_path_symlink("file.txt", DATA, "soft"), OK);
  is("path_symlink: it is there", __wasi_path_symlink("file.txt", DATA, "soft"),
     __WASI_ERRNO_EXIST);
  is("path_symlink: to the root", __wasi_path_symlink("/etc/passwd", DATA, "wrong"),
     __WASI_ERRNO_PERM);
  is("path_symlink: not there", __wasi_path_symlink("file.txt", FIXED, "soft"), __WASI_ERRNO_PERM);
  is("path_readlink", __wasi_path_readlink(DATA, "soft", text, sizeof text, &length), OK);
  check("path_readlink: where it leads", length == 8 && memcmp(text, "file.txt", 8) == 0);
  is("path_readlink: cut off", __wasi_path_readlink(DATA, "soft", text, 4, &length), OK);
  is("path_readlink: as far as it goes", length, 4);
  is("path_readlink: a file", __wasi_path_readlink(DATA, "file.txt", text, sizeof text, &length),
     __WASI_ERRNO_INVAL);
  is("path_readlink: nothing", __wasi_path_readlink(DATA, "missing", text, sizeof text, &length),
     __WASI_ERRNO_NOENT);
  is("path_link", __wasi_path_link(DATA, 0, "file.txt", DATA, "hard"), OK);
  is("path_link: both count", __wasi_path_filestat_get(DATA, 0, "hard", &stat), OK);
  is("path_link: two links", stat.nlink, 2);
  is("path_link: it is there", __wasi_path_link(DATA, 0, "file.txt", DATA, "hard"),
     __WASI_ERRNO_EXIST);
  is("path_link: nothing", __wasi_path_link(DATA, 0, "missing", DATA, "harder"),
     __WASI_ERRNO_NOENT);
  is("path_link: into a folder that is only read",
     __wasi_path_link(DATA, 0, "file.txt", FIXED, "hard"), __WASI_ERRNO_PERM);
}

static void moving(void) {
  __wasi_filestat_t stat = {0};
  is("path_rename", __wasi_path_rename(DATA, "hard", DATA, "folder/moved"), OK);
  is("path_rename: it is there", __wasi_path_filestat_get(DATA, 0, "folder/moved", &stat), OK);
  is("path_rename: and gone here", __wasi_path_filestat_get(DATA, 0, "hard", &stat),
     __WASI_ERRNO_NOENT);
  is("path_rename: nothing", __wasi_path_rename(DATA, "missing", DATA, "more"), __WASI_ERRNO_NOENT);
  is("path_rename: over a full folder", __wasi_path_rename(DATA, "new.txt", DATA, "folder"),
     __WASI_ERRNO_ISDIR);
  is("path_rename: outside", __wasi_path_rename(DATA, "new.txt", DATA, "../new.txt"),
     __WASI_ERRNO_PERM);
  is("path_rename: where it is only read", __wasi_path_rename(DATA, "new.txt", FIXED, "new.txt"),
     __WASI_ERRNO_PERM);
  is("path_unlink_file", __wasi_path_unlink_file(DATA, "folder/moved"), OK);
  is("path_unlink_file: gone", __wasi_path_unlink_file(DATA, "folder/moved"), __WASI_ERRNO_NOENT);
  is("path_unlink_file: a folder", __wasi_path_unlink_file(DATA, "folder"), __WASI_ERRNO_ISDIR);
  is("path_unlink_file: the link, not the file", __wasi_path_unlink_file(DATA, "soft"), OK);
  is("the file", __wasi_path_filestat_get(DATA, 0, "file.txt", &stat), OK);
  is("path_unlink_file: where it is only read", __wasi_path_unlink_file(FIXED, "file.txt"),
     __WASI_ERRNO_PERM);
}

static void no_folder(void) {
  __wasi_filestat_t stat;
  uint8_t text[8];
  __wasi_size_t length;
  const struct {
    const char* name;
    __wasi_errno_t error;
  } calls[] = {
      {"path_create_directory", __wasi_path_create_directory(NO_SUCH, "a")},
      {"path_filestat_get", __wasi_path_filestat_get(NO_SUCH, 0, "a", &stat)},
      {"path_filestat_set_times", __wasi_path_filestat_set_times(NO_SUCH, 0, "a", 0, 0, 0)},
      {"path_link", __wasi_path_link(NO_SUCH, 0, "a", DATA, "b")},
      {"path_readlink", __wasi_path_readlink(NO_SUCH, "a", text, sizeof text, &length)},
      {"path_remove_directory", __wasi_path_remove_directory(NO_SUCH, "a")},
      {"path_rename", __wasi_path_rename(NO_SUCH, "a", DATA, "b")},
      {"path_symlink", __wasi_path_symlink("a", NO_SUCH, "b")},
      {"path_unlink_file", __wasi_path_unlink_file(NO_SUCH, "a")},
  };
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
    is(calls[i].name, calls[i].error, __WASI_ERRNO_BADF);
}

int main(void) {
  opening();
  attributes();
  folders();
  links();
  moving();
  no_folder();
  return done();
}
