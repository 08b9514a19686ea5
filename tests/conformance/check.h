// Named checks. A program makes all of them, prints those that fail, and ends with done().
#pragma once

#include <stdio.h>
#include <string.h>

static int made, failed;

// `what` is right. Returns whether, so that a later step may depend on it.
static inline int check(const char* name, int right) {
  made++;
  if (!right) {
    failed++;
    printf("FAILED %s\n", name);
  }
  return right;
}

// A number is what it should be; both are printed when not.
static inline int is(const char* name, long long got, long long expected) {
  if (got != expected) printf("%s: %lld, expected %lld\n", name, got, expected);
  return check(name, got == expected);
}

// main's exit code.
static inline int done(void) {
  printf("%d checks, %d failed\n", made, failed);
  return failed != 0;
}
