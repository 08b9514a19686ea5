// WasmEdge's socket functions and the records they speak in, as a module imports them. SECOND_FORMS
// takes the second form of the functions that have two under one name.
#pragma once

#include <cstdint>

#define IMPORT(name) \
  __attribute__((__import_module__("wasi_snapshot_preview1"), __import_name__(#name)))

struct Buffer {
  std::uint8_t* data;
  std::uint32_t size;
};
struct Address {
  std::uint8_t* data;
  std::uint32_t size;
};
struct SocketData {
  std::uint8_t family;
  std::uint32_t size;
  std::uint8_t* data;
};
struct Info {
  std::uint16_t flags;
  std::uint8_t family, kind, protocol;
  std::uint32_t address_size;
  SocketData* address;
  char* name;
  std::uint32_t name_size;
  Info* next;
};
struct Clock {
  std::uint32_t id;
  std::uint64_t timeout, precision;
  std::uint16_t flags;
};
struct Subscription {
  std::uint64_t userdata;
  std::uint8_t tag;
  union {
    Clock clock;
    std::uint32_t fd;
  };
};
struct Event {
  std::uint64_t userdata;
  std::uint16_t error;
  std::uint8_t type;
  std::uint64_t bytes;
  std::uint16_t flags;
};

using Word = std::uint32_t;
extern "C" {
IMPORT(sock_open) Word sock_open(Word family, Word kind, Word* fd);
IMPORT(sock_bind) Word sock_bind(Word fd, Address* address, Word port);
IMPORT(sock_connect) Word sock_connect(Word fd, Address* address, Word port);
IMPORT(sock_listen) Word sock_listen(Word fd, Word backlog);
IMPORT(sock_recv)
Word sock_recv(Word fd, Buffer* buffers, Word count, Word flags, Word* length, std::uint16_t* out);
IMPORT(sock_send) Word sock_send(Word fd, Buffer* buffers, Word count, Word flags, Word* length);
IMPORT(sock_send_to)
Word sock_send_to(Word fd, Buffer* buffers, Word count, Address* to, Word port, Word flags,
                  Word* length);
IMPORT(sock_shutdown) Word sock_shutdown(Word fd, Word how);
IMPORT(sock_getsockopt) Word sock_getsockopt(Word fd, Word level, Word name, void* at, Word* size);
IMPORT(sock_setsockopt)
Word sock_setsockopt(Word fd, Word level, Word name, const void* at, Word size);
IMPORT(sock_getaddrinfo)
Word sock_getaddrinfo(const char* node, Word node_size, const char* service, Word service_size,
                      Info* hints, Info** result, Word most, Word* count);
IMPORT(fd_close) Word fd_close(Word fd);
IMPORT(fd_read) Word fd_read(Word fd, Buffer* buffers, Word count, Word* length);
IMPORT(fd_write) Word fd_write(Word fd, Buffer* buffers, Word count, Word* length);
IMPORT(fd_fdstat_get) Word fd_fdstat_get(Word fd, std::uint8_t* out);
IMPORT(fd_fdstat_set_flags) Word fd_fdstat_set_flags(Word fd, Word flags);
IMPORT(fd_filestat_get) Word fd_filestat_get(Word fd, std::uint8_t* out);
IMPORT(poll_oneoff) Word poll_oneoff(Subscription* in, Event* out, Word count, Word* happened);
#ifdef SECOND_FORMS
IMPORT(sock_accept) Word sock_accept_2(Word fd, Word flags, Word* accepted);
IMPORT(sock_recv_from)
Word sock_recv_from_2(Word fd, Buffer* buffers, Word count, Address* from, Word flags,
                      std::uint16_t* port, Word* length, std::uint16_t* out);
IMPORT(sock_getlocaladdr) Word sock_getlocaladdr_2(Word fd, Address* address, Word* port);
IMPORT(sock_getpeeraddr) Word sock_getpeeraddr_2(Word fd, Address* address, Word* port);
#else
IMPORT(sock_accept) Word sock_accept_1(Word fd, Word* accepted);
IMPORT(sock_recv_from)
Word sock_recv_from_1(Word fd, Buffer* buffers, Word count, Address* from, Word flags, Word* length,
                      std::uint16_t* out);
IMPORT(sock_getlocaladdr)
Word sock_getlocaladdr_1(Word fd, Address* address, Word* family, Word* port);
IMPORT(sock_getpeeraddr)
Word sock_getpeeraddr_1(Word fd, Address* address, Word* family, Word* port);
#endif
}
