// A server and a client made for WasmEdge, by its socket functions alone.
//   echo ADDRESS CONNECTIONS    listens there, says where, sends back what each connection sends
//   echo dial ADDRESS TEXT      the other side
// An ADDRESS is as in 127.0.0.1:8080.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IMPORT(name) \
  __attribute__((__import_module__("wasi_snapshot_preview1"), __import_name__(#name)))

typedef struct {
  uint8_t* data;
  uint32_t size;
} bytes;

IMPORT(sock_open) uint32_t sock_open(uint32_t family, uint32_t kind, uint32_t* fd);
IMPORT(sock_bind) uint32_t sock_bind(uint32_t fd, bytes* address, uint32_t port);
IMPORT(sock_connect) uint32_t sock_connect(uint32_t fd, bytes* address, uint32_t port);
IMPORT(sock_listen) uint32_t sock_listen(uint32_t fd, uint32_t backlog);
IMPORT(sock_accept) uint32_t wasmedge_accept(uint32_t fd, uint32_t* accepted);
IMPORT(sock_shutdown) uint32_t sock_shutdown(uint32_t fd, uint32_t how);
IMPORT(sock_getlocaladdr)
uint32_t sock_getlocaladdr(uint32_t fd, bytes* address, uint32_t* family, uint32_t* port);

static void must(uint32_t error, const char* what) {
  if (error == 0) return;
  fprintf(stderr, "%s: errno %u\n", what, error);
  exit(1);
}

static uint32_t open_to(const char* text, uint8_t ip[4], uint32_t* port) {
  if (sscanf(text, "%hhu.%hhu.%hhu.%hhu:%u", &ip[0], &ip[1], &ip[2], &ip[3], port) != 5) exit(2);
  uint32_t fd;
  must(sock_open(1, 2, &fd), "open");
  return fd;
}

// Through read() and write(), as a C library sees a file.
static void copy(int from, int to) {
  char block[4096];
  for (ssize_t length; (length = read(from, block, sizeof(block))) > 0;) write(to, block, length);
}

static int serve(const char* where, int connections) {
  uint8_t ip[4];
  bytes address = {ip, 4};
  uint32_t port, family, accepted;
  const uint32_t fd = open_to(where, ip, &port);
  must(sock_bind(fd, &address, port), "bind");
  must(sock_listen(fd, 8), "listen");
  must(sock_getlocaladdr(fd, &address, &family, &port), "local address");
  printf("listening on %u.%u.%u.%u:%u\n", ip[0], ip[1], ip[2], ip[3], port);
  fflush(stdout);
  for (; connections > 0; --connections) {
    must(wasmedge_accept(fd, &accepted), "accept");
    copy((int)accepted, (int)accepted);
    close((int)accepted);
  }
  return 0;
}

static int dial(const char* where, const char* text) {
  uint8_t ip[4];
  bytes address = {ip, 4};
  uint32_t port;
  const uint32_t fd = open_to(where, ip, &port);
  must(sock_connect(fd, &address, port), "connect");
  write((int)fd, text, strlen(text));
  must(sock_shutdown(fd, 2), "shutdown");
  copy((int)fd, 1);
  write(1, "\n", 1);
  return 0;
}

int main(int count, char** arguments) {
  if (count == 4 && strcmp(arguments[1], "dial") == 0) return dial(arguments[2], arguments[3]);
  if (count == 3) return serve(arguments[1], atoi(arguments[2]));
  return 2;
}
