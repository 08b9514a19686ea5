// fd_readdir: every entry once, from any cookie, with any size of buffer.
#include "p1.h"

enum { FILES = 40 };

// Reads the folder with buffers of this size; counts what it finds.
static void list_with(__wasi_fd_t folder, size_t room) {
  static uint8_t buffer[4096];
  int files = 0, dots = 0;
  for (__wasi_dircookie_t cookie = 0;;) {
    __wasi_size_t used = 0;
    if (!is("fd_readdir", __wasi_fd_readdir(folder, buffer, room, cookie, &used), OK)) return;
    size_t at = 0;
    while (at + sizeof(__wasi_dirent_t) <= used) {
      __wasi_dirent_t entry;
      memcpy(&entry, buffer + at, sizeof entry);
      if (at + sizeof entry + entry.d_namlen > used)
        break;  // cut off: it comes again from its cookie
      const char* name = (const char*)buffer + at + sizeof entry;
      const int dot = (entry.d_namlen == 1 && *name == '.') ||
                      (entry.d_namlen == 2 && memcmp(name, "..", 2) == 0);
      check("fd_readdir: its type",
            entry.d_type == (dot ? __WASI_FILETYPE_DIRECTORY : __WASI_FILETYPE_REGULAR_FILE));
      check("fd_readdir: the cookies differ", entry.d_next != cookie);
      dot ? dots++ : files++;
      cookie = entry.d_next;
      at += sizeof entry + entry.d_namlen;
    }
    if (used < room) break;
    if (!check("fd_readdir: an entry fits", at > 0)) return;
  }
  is("fd_readdir: every file once", files, FILES);
  is("fd_readdir: . and ..", dots, 2);
}

int main(void) {
  __wasi_fd_t folder = NO_SUCH, file = NO_SUCH;
  is("a folder", __wasi_path_create_directory(DATA, "listing"), OK);
  is("it is opened",
     __wasi_path_open(DATA, 0, "listing", __WASI_OFLAGS_DIRECTORY, __WASI_RIGHTS_FD_READ, 0, 0,
                      &folder),
     OK);
  for (int i = 0; i < FILES; i++) {
    char name[32];
    snprintf(name, sizeof name, "file-%d", i);
    is("a file", open_with(folder, name, __WASI_OFLAGS_CREAT, 0, &file), OK);
    is("it is closed", __wasi_fd_close(file), OK);
  }
  const size_t rooms[] = {40, 100, 1000, 4096};
  for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) list_with(folder, rooms[i]);
  uint8_t buffer[100];
  __wasi_size_t used = 1;
  is("fd_readdir: no room", __wasi_fd_readdir(folder, buffer, 0, 0, &used), OK);
  is("fd_readdir: nothing read", used, 0);
  is("fd_readdir: behind the last", __wasi_fd_readdir(folder, buffer, sizeof buffer, 1000, &used),
     OK);
  is("fd_readdir: nothing there", used, 0);
  file = file_with("plain.txt", "");
  is("fd_readdir: a file", __wasi_fd_readdir(file, buffer, sizeof buffer, 0, &used),
     __WASI_ERRNO_BADF);
  return done();
}
