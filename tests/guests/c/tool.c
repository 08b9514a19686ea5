// A command for wasm32-wasi: the same command as go/tool and python/tool.py.
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int complain(const char* what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  return 1;
}

static int cat(const char* path) {
  FILE* file = fopen(path, "r");
  if (!file) return complain(path);
  char block[4096];
  for (size_t n; (n = fread(block, 1, sizeof block, file)) > 0;) fwrite(block, 1, n, stdout);
  fclose(file);
  return 0;
}

static int write_file(const char* path, const char* text) {
  FILE* file = fopen(path, "w");
  if (!file) return complain(path);
  const int failed = fputs(text, file) < 0;
  return fclose(file) != 0 || failed ? complain(path) : 0;
}

static int list(const char* path) {
  DIR* directory = opendir(path);
  if (!directory) return complain(path);
  for (const struct dirent* entry; (entry = readdir(directory));) {
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) puts(entry->d_name);
  }
  closedir(directory);
  return 0;
}

static int upper(void) {
  for (int c; (c = getchar()) != EOF;) putchar(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return 0;
}

// Every line as soon as it is there.
static int echo(void) {
  char line[256];
  while (fgets(line, sizeof line, stdin)) {
    fputs(line, stdout);
    fflush(stdout);
  }
  return 0;
}

static int hog(void) {
  for (;;) {
    char* block = malloc(16u << 20);
    if (!block) return complain("malloc");
    for (size_t i = 0; i < 16u << 20; i += 4096) ((volatile char*)block)[i] = 1;
  }
}

static volatile int sink;
static int deep(int n) {
  volatile char frame[4096];
  frame[0] = (char)n;
  sink = n;
  return n == 0 ? 0 : deep(n - 1) + frame[0];
}

static int flood(void) {
  static char block[64 * 1024];
  memset(block, 'x', sizeof block);
  for (;;) {
    if (write(1, block, sizeof block) < 0) return complain("write");
  }
}

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "";
  if (argc < 2) return puts("hello from c") < 0;
  if (strcmp(what, "args") == 0) {
    for (int i = 2; i < argc; i++) printf("<%s>\n", argv[i]);
    return 0;
  }
  if (strcmp(what, "env") == 0 && argc > 2) {
    const char* value = getenv(argv[2]);
    return puts(value ? value : "unset") < 0;
  }
  if (strcmp(what, "environ") == 0) {
    extern char** environ;
    for (char** entry = environ; entry && *entry; entry++) puts(*entry);
    return 0;
  }
  if (strcmp(what, "cat") == 0 && argc > 2) return cat(argv[2]);
  if (strcmp(what, "write") == 0 && argc > 3) return write_file(argv[2], argv[3]);
  if (strcmp(what, "ls") == 0 && argc > 2) return list(argv[2]);
  if (strcmp(what, "upper") == 0) return upper();
  if (strcmp(what, "echo") == 0) return echo();
  if (strcmp(what, "exit") == 0 && argc > 2) return atoi(argv[2]);
  if (strcmp(what, "flood") == 0) return flood();
  if (strcmp(what, "sleep") == 0) return (int)sleep(3600);
  if (strcmp(what, "hog") == 0) return hog();
  if (strcmp(what, "deep") == 0) return deep(1 << 30);
  if (strcmp(what, "panic") == 0) abort();
  if (strcmp(what, "wild") == 0) return *(volatile int*)0xfffffff0u;
  if (strcmp(what, "spin") == 0) {
    for (;;) sink++;
  }
  fprintf(stderr, "unknown: %s\n", what);
  return 1;
}
