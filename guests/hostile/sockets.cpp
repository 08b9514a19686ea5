// Longer than 500 lines because it is one program with all its commands, compiled twice:
// SECOND_FORMS takes the second form of the functions that have two. A WASI 0.1 program that uses
// sockets as programs made for WasmEdge do, and as badly as one can.
//   sockets checks | hostile | udp | serve CLIENTS | dial PORT TEXT | look-up NAME SERVICE
//   sockets denied PORT | pour PORT | hog
#include "wasmedge_sockets.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

enum Errno : Word {
  ok = 0,
  acces = 2,
  afnosupport = 5,
  again = 6,
  badf = 8,
  connrefused = 14,
  connreset = 15,
  fault = 21,
  inprogress = 26,
  inval = 28,
  isconn = 30,
  mfile = 33,
  notconn = 53,
  notsock = 57,
};
enum Kind : Word { datagram = 1, stream = 2 };
constexpr Word kInet4 = 1;
constexpr Word kNonblock = 4;

[[noreturn]] void failed(int line, const char* what, Word got, Word wanted) {
  std::printf("line %d: %s is %u and not %u\n", line, what, got, wanted);
  std::exit(1);
}

#define EXPECT(what, wanted)                                                    \
  do {                                                                          \
    const Word got = static_cast<Word>(what);                                   \
    if (got != static_cast<Word>(wanted)) failed(__LINE__, #what, got, wanted); \
  } while (false)

Word accept_one(Word fd, Word* accepted) {
#ifdef SECOND_FORMS
  return sock_accept_2(fd, 0, accepted);
#else
  return sock_accept_1(fd, accepted);
#endif
}

struct V4 {
  std::array<std::uint8_t, 4> bytes{127, 0, 0, 1};
  Address record{bytes.data(), 4};
};

// The port; checks that the address is 127.0.0.1, and the family's odd number.
Word port_of(Word fd, bool peer) {
  std::array<std::uint8_t, 128> bytes{};
  Address address{bytes.data(), 16};
  Word port = 0;
#ifdef SECOND_FORMS
  EXPECT((peer ? sock_getpeeraddr_2 : sock_getlocaladdr_2)(fd, &address, &port), ok);
  EXPECT(bytes[0], 127);
  address.size = 128;  // the long form: the family in front
  EXPECT((peer ? sock_getpeeraddr_2 : sock_getlocaladdr_2)(fd, &address, &port), ok);
  EXPECT(bytes[0] + 256 * bytes[1], kInet4);
  EXPECT(bytes[2], 127);
#else
  Word family = 0;
  EXPECT((peer ? sock_getpeeraddr_1 : sock_getlocaladdr_1)(fd, &address, &family, &port), ok);
  EXPECT(bytes[0], 127);
  EXPECT(family, 4);
#endif
  return port;
}

Word make(Kind kind) {
  Word fd = 0;
  EXPECT(sock_open(kInet4, kind, &fd), ok);
  return fd;
}

Word make_listener() {
  const Word fd = make(stream);
  V4 own;
  EXPECT(sock_bind(fd, &own.record, 0), ok);
  EXPECT(sock_listen(fd, 16), ok);
  return fd;
}

Word dial(Word port) {
  const Word fd = make(stream);
  V4 to;
  EXPECT(sock_connect(fd, &to.record, port), ok);
  return fd;
}

void send_text(Word fd, std::string_view text) {
  Buffer buffer{reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data())),
                static_cast<Word>(text.size())};
  Word sent = 0;
  EXPECT(sock_send(fd, &buffer, 1, 0, &sent), ok);
  EXPECT(sent, text.size());
}

// Receives into two buffers of four and the rest.
Word receive(Word fd, std::uint8_t* data, Word size, Word flags, Word* length) {
  std::array<Buffer, 2> buffers{Buffer{data, 4}, Buffer{data + 4, size - 4}};
  std::uint16_t out = 99;
  const Word error = sock_recv(fd, buffers.data(), 2, flags, length, &out);
  if (error == ok) EXPECT(out, 0);
  return error;
}

Subscription clock_after(std::uint64_t nanoseconds) {
  Subscription made{};
  made.userdata = 7777;
  made.clock.id = 1;
  made.clock.timeout = nanoseconds;
  return made;
}

Subscription ready(Word fd, std::uint8_t tag) {
  Subscription made{};
  made.userdata = fd;
  made.tag = tag;
  made.fd = fd;
  return made;
}
constexpr std::uint8_t kRead = 1;
constexpr std::uint8_t kWrite = 2;
constexpr std::uint64_t kSecond = 1'000'000'000;

Word number_option(Word fd, Word name) {
  Word value = 0;
  Word size = sizeof(value);
  EXPECT(sock_getsockopt(fd, 0, name, &value, &size), ok);
  EXPECT(size, 4);
  return value;
}

void check_options(Word fd) {
  EXPECT(number_option(fd, 1), stream);
  EXPECT(number_option(fd, 2), 0);
  EXPECT(number_option(fd, 13), 0);
  const Word one = 1;
  for (const Word name : {0U, 7U, 8U}) {
    EXPECT(sock_setsockopt(fd, 0, name, &one, sizeof(one)), ok);
    EXPECT(number_option(fd, name), 1);
  }
  const std::array<Word, 2> lingers{1, 3600};
  EXPECT(sock_setsockopt(fd, 0, 9, lingers.data(), sizeof(lingers)), ok);
  std::array<Word, 2> told{};
  Word size = sizeof(told);
  EXPECT(sock_getsockopt(fd, 0, 9, told.data(), &size), ok);
  EXPECT(told[1], 3600);
  EXPECT(sock_setsockopt(fd, 0, 14, "eth0", 4), acces);
  EXPECT(sock_setsockopt(fd, 0, 15, &one, sizeof(one)), inval);
  EXPECT(sock_setsockopt(fd, 1, 0, &one, sizeof(one)), inval);
  EXPECT(sock_setsockopt(fd, 0, 0, &one, 3), inval);
  size = 3;
  EXPECT(sock_getsockopt(fd, 0, 0, told.data(), &size), inval);
}

void check_status(Word fd) {
  std::array<std::uint8_t, 64> bytes{};
  EXPECT(fd_fdstat_get(fd, bytes.data()), ok);
  EXPECT(bytes[0], 6);
  EXPECT(bytes[2], 0);
  EXPECT(fd_fdstat_set_flags(fd, kNonblock), ok);
  EXPECT(fd_fdstat_get(fd, bytes.data()), ok);
  EXPECT(bytes[2], kNonblock);
  EXPECT(fd_fdstat_set_flags(fd, 1), inval);
  EXPECT(fd_filestat_get(fd, bytes.data()), ok);
  EXPECT(bytes[16], 6);
}

// A connection within the program: EAGAIN, readiness, options of receiving, the end.
void check_connection() {
  const Word listener = make_listener();
  EXPECT(number_option(listener, 13), 1);
  EXPECT(fd_fdstat_set_flags(listener, kNonblock), ok);
  Word there = 0;
  EXPECT(accept_one(listener, &there), again);
  Event event{};
  Word happened = 0;
  std::array<Subscription, 2> both{ready(listener, kRead), clock_after(kSecond / 100)};
  EXPECT(poll_oneoff(both.data(), &event, 2, &happened), ok);  // nobody dials: the clock
  EXPECT(happened, 1);
  EXPECT(event.userdata, 7777);

  const Word here = dial(port_of(listener, false));
  both[1] = clock_after(600 * kSecond);
  EXPECT(poll_oneoff(both.data(), &event, 2, &happened), ok);
  EXPECT(happened, 1);
  EXPECT(event.userdata, listener);
  EXPECT(accept_one(listener, &there), ok);
  EXPECT(port_of(there, true), port_of(here, false));
  EXPECT(port_of(here, true), port_of(listener, false));

  std::array<std::uint8_t, 64> data{};
  Word length = 0;
  EXPECT(fd_fdstat_set_flags(there, kNonblock), ok);
  EXPECT(receive(there, data.data(), 64, 0, &length), again);
  Subscription writable = ready(there, kWrite);
  EXPECT(poll_oneoff(&writable, &event, 1, &happened), ok);
  EXPECT(event.type, kWrite);
  send_text(here, "ping pong");
  both[0] = ready(there, kRead);
  EXPECT(poll_oneoff(both.data(), &event, 2, &happened), ok);
  EXPECT(event.userdata, there);
  EXPECT(event.bytes, 9);
  EXPECT(event.flags, 0);
  EXPECT(receive(there, data.data(), 64, 1, &length), ok);  // a look only
  EXPECT(length, 9);
  EXPECT(receive(there, data.data(), 64, 0, &length), ok);
  EXPECT(length, 9);
  EXPECT(std::memcmp(data.data(), "ping pong", 9), 0);

  EXPECT(fd_fdstat_set_flags(here, 0), ok);
  send_text(there, "three ");
  send_text(there, "parts ");
  send_text(there, "here");
  EXPECT(receive(here, data.data(), 16, 2, &length), ok);  // waits for all
  EXPECT(length, 16);
  EXPECT(sock_shutdown(here, 2), ok);
  both[0] = ready(there, kRead);
  EXPECT(poll_oneoff(both.data(), &event, 2, &happened), ok);
  EXPECT(event.flags, 1);  // hung up
  Buffer buffer{data.data(), 64};
  EXPECT(fd_read(there, &buffer, 1, &length), ok);
  EXPECT(length, 0);
  buffer.size = 3;
  EXPECT(fd_write(there, &buffer, 1, &length), ok);
  EXPECT(receive(here, data.data(), 64, 0, &length), ok);
  EXPECT(length, 3);
  EXPECT(sock_shutdown(here, 4), inval);

  const std::array<std::uint64_t, 2> patience{0, 20'000};
  EXPECT(sock_setsockopt(here, 0, 11, patience.data(), sizeof(patience)), ok);
  EXPECT(receive(here, data.data(), 64, 0, &length), again);  // after its 20 ms
  EXPECT(fd_close(there), ok);
  EXPECT(fd_close(there), badf);
  EXPECT(receive(there, data.data(), 64, 0, &length), badf);
  both[0] = ready(there, kRead);
  EXPECT(poll_oneoff(both.data(), &event, 2, &happened), ok);
  EXPECT(event.error, badf);
  EXPECT(fd_close(here), ok);
  EXPECT(fd_close(listener), ok);
}

// A send that waits takes all it is given, however much more than the system keeps for it.
int pour(Word port) {
  static std::array<std::uint8_t, 8 << 20> data{};
  for (std::size_t i = 0; i < data.size(); ++i)
    data[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
  const Word fd = dial(port);
  Buffer buffer{data.data(), static_cast<Word>(data.size())};
  Word sent = 0;
  EXPECT(sock_send(fd, &buffer, 1, 0, &sent), ok);
  EXPECT(sent, data.size());
  return 0;
}

// A connect that the program does not wait for, to a port where nobody listens and to one where.
void check_connect() {
  Word length = 0;
  std::array<std::uint8_t, 8> data{};
  const Word listener = make_listener();
  const Word port = port_of(listener, false);
  const Word fd = make(stream);
  EXPECT(fd_fdstat_set_flags(fd, kNonblock), ok);
  V4 to;
  const Word begun = sock_connect(fd, &to.record, port);
  if (begun != ok) EXPECT(begun, inprogress);
  Event event{};
  Word happened = 0;
  Subscription writable = ready(fd, kWrite);
  EXPECT(poll_oneoff(&writable, &event, 1, &happened), ok);
  EXPECT(number_option(fd, 2), ok);
  const Word known = sock_connect(fd, &to.record, port);  // the system says it once more
  if (known != ok) EXPECT(known, isconn);
  EXPECT(sock_connect(fd, &to.record, port), isconn);
  EXPECT(fd_close(fd), ok);
  Word there = 0;
  EXPECT(accept_one(listener, &there), ok);
  EXPECT(fd_close(there), ok);
  // A client that is gone before it is taken: closing without lingering resets.
  const Word gone = dial(port);
  const Word gone_port = port_of(gone, false);
  const std::array<Word, 2> lingers{1, 0};
  EXPECT(sock_setsockopt(gone, 0, 9, lingers.data(), sizeof(lingers)), ok);
  EXPECT(fd_close(gone), ok);
  EXPECT(accept_one(listener, &there), ok);
  EXPECT(port_of(there, true), gone_port);
  EXPECT(receive(there, data.data(), 8, 0, &length), connreset);
  EXPECT(fd_close(there), ok);
  EXPECT(fd_close(listener), ok);
  const Word second = make(stream);
  EXPECT(sock_connect(second, &to.record, port), connrefused);
  EXPECT(fd_close(second), ok);
  const Word third = make(stream);
  EXPECT(receive(third, data.data(), 8, 0, &length), notconn);
  EXPECT(fd_close(third), ok);
}

int checks() {
  const Word fd = make(stream);
  check_options(fd);
  check_status(fd);
  EXPECT(fd_close(fd), ok);
  check_connection();
  check_connect();
  std::printf("all is well\n");  // through fd_write, to what is no socket
  return 0;
}

// Numbers and pointers that are nobody's.
int hostile() {
  const Word fd = make(stream);
  auto* const nowhere = reinterpret_cast<Word*>(0xFFFF'FFF0U);
  EXPECT(sock_open(kInet4, stream, nowhere), fault);
  EXPECT(sock_open(3, stream, nowhere), afnosupport);
  EXPECT(sock_open(4, stream, nowhere), inval);
  EXPECT(sock_open(kInet4, 0, nowhere), inval);
  V4 own;
  for (const Word forged : {fd + 1, 0x7FFF'FFFFU}) {
    EXPECT(sock_bind(forged, &own.record, 0), badf);
    EXPECT(sock_listen(forged, 1), badf);
    EXPECT(fd_close(forged), badf);
    EXPECT(fd_fdstat_set_flags(forged, 0), badf);
  }
  EXPECT(sock_listen(1, 1), notsock);
  EXPECT(sock_listen(77, 1), badf);
  EXPECT(sock_listen(0xFFFF'FFFFU, 1), badf);
  EXPECT(sock_bind(fd, reinterpret_cast<Address*>(nowhere), 0), fault);
  Address address{reinterpret_cast<std::uint8_t*>(nowhere), 4};
  EXPECT(sock_bind(fd, &address, 0), fault);
  for (const Word size : {0U, 5U, 64U}) {
    address = {own.bytes.data(), size};
    EXPECT(sock_bind(fd, &address, 0), inval);
  }
  EXPECT(sock_bind(fd, &own.record, 65'536), inval);
  EXPECT(sock_bind(fd, &own.record, 0), ok);
  Buffer buffer{reinterpret_cast<std::uint8_t*>(nowhere), 100};
  Word length = 0;
  std::uint16_t out = 0;
  EXPECT(sock_send(fd, &buffer, 1, 0, &length), fault);
  EXPECT(sock_recv(fd, &buffer, 1, 0, &length, &out), fault);
  EXPECT(sock_recv(fd, &buffer, 1025, 0, &length, &out), inval);
  EXPECT(sock_recv(fd, &buffer, 0xFFFF'FFFFU, 0, &length, &out), inval);
  EXPECT(sock_recv(fd, &buffer, 1, 4, &length, &out), inval);
  EXPECT(sock_setsockopt(fd, 0, 0, nowhere, 4), fault);
  EXPECT(sock_setsockopt(fd, 0, 0, own.bytes.data(), 0xFFFF'FFFFU), fault);
  Subscription one = ready(fd, kRead);
  Event event{};
  EXPECT(poll_oneoff(&one, reinterpret_cast<Event*>(nowhere), 1, &length), fault);
  EXPECT(poll_oneoff(&one, &event, 60'000, &length), fault);
  EXPECT(poll_oneoff(&one, &event, 0xFFFF'FFFFU, &length), 48);
  EXPECT(poll_oneoff(&one, &event, 0, &length), inval);
  return 0;
}

// Two sockets of datagrams, and one that is cut off.
int udp() {
  const Word here = make(datagram);
  const Word there = make(datagram);
  V4 own;
  EXPECT(sock_bind(here, &own.record, 0), ok);
  EXPECT(sock_bind(there, &own.record, 0), ok);
  Buffer buffer{reinterpret_cast<std::uint8_t*>(const_cast<char*>("hello")), 5};
  Word length = 0;
  EXPECT(sock_send_to(here, &buffer, 1, &own.record, port_of(there, false), 0, &length), ok);
  EXPECT(length, 5);
  std::array<std::uint8_t, 128> from{};
  std::array<std::uint8_t, 64> data{};
  Buffer into{data.data(), 3};
  std::uint16_t out = 0;
#ifdef SECOND_FORMS
  Address address{from.data(), 128};
  std::uint16_t port = 0;
  EXPECT(sock_recv_from_2(there, &into, 1, &address, 0, &port, &length, &out), ok);
  EXPECT(from[0], kInet4);
  EXPECT(from[2], 127);
  EXPECT(port, port_of(here, false));
  EXPECT(sock_send_to(there, &buffer, 1, &address, port, 0, &length), ok);
#else
  Address address{from.data(), 4};
  EXPECT(sock_recv_from_1(there, &into, 1, &address, 0, &length, &out), ok);
  EXPECT(from[0], 127);
  EXPECT(sock_send_to(there, &buffer, 1, &address, port_of(here, false), 0, &length), ok);
#endif
  EXPECT(length, 5);
  EXPECT(out, 1);  // cut off at three
  EXPECT(std::memcmp(data.data(), "hel", 3), 0);
  into.size = 64;
  EXPECT(sock_recv(here, &into, 1, 0, &length, &out), ok);
  EXPECT(length, 5);
  EXPECT(fd_fdstat_set_flags(here, kNonblock), ok);
  EXPECT(sock_recv(here, &into, 1, 0, &length, &out), again);
  return 0;
}

constexpr Word kMostClients = 8;

// Echoes to one client: false when it is gone.
bool echo(Word client) {
  std::array<std::uint8_t, 4096> data{};
  Buffer buffer{data.data(), 4096};
  Word length = 0;
  std::uint16_t out = 0;
  EXPECT(sock_recv(client, &buffer, 1, 0, &length, &out), ok);
  if (length == 0) return false;
  buffer.size = length;
  EXPECT(sock_send(client, &buffer, 1, 0, &length), ok);
  return true;
}

// An event loop: all clients at once, until so many have come and gone.
int serve(Word clients) {
  const Word listener = make_listener();
  EXPECT(fd_fdstat_set_flags(listener, kNonblock), ok);
  std::printf("%u\n", port_of(listener, false));
  std::fflush(stdout);
  std::array<Subscription, kMostClients + 1> watched{ready(listener, kRead)};
  std::array<Event, kMostClients + 1> events{};
  Word count = 1;
  for (Word gone = 0; gone < clients;) {
    Word happened = 0;
    EXPECT(poll_oneoff(watched.data(), events.data(), count, &happened), ok);
    for (Word i = 0; i < happened; ++i) {
      const Word fd = static_cast<Word>(events[i].userdata);
      if (fd == listener) {
        Word accepted = 0;
        EXPECT(accept_one(listener, &accepted), ok);
        watched[count++] = ready(accepted, kRead);
      } else if (!echo(fd)) {
        EXPECT(fd_close(fd), ok);
        for (Word j = 1; j < count; ++j) {
          if (watched[j].userdata == fd) watched[j] = watched[count - 1];
        }
        --count;
        ++gone;
      }
    }
  }
  return 0;
}

int dial_and_say(Word port, const char* text) {
  const Word fd = make(stream);
  V4 to;
  const Word error = sock_connect(fd, &to.record, port);
  if (error != ok) return static_cast<int>(error);
  send_text(fd, text);
  EXPECT(sock_shutdown(fd, 2), ok);
  std::array<std::uint8_t, 256> data{};
  Word length = 0;
  EXPECT(receive(fd, data.data(), 256, 2, &length), ok);
  std::printf("%.*s\n", static_cast<int>(length), reinterpret_cast<const char*>(data.data()));
  return 0;
}

int look_up(const char* name, const char* of) {
  constexpr Word kMost = 3;
  std::array<std::array<std::uint8_t, 26>, kMost> data{};
  std::array<SocketData, kMost> sockets{};
  std::array<Info, kMost> infos{};
  for (Word i = 0; i < kMost; ++i) {
    sockets[i] = {.family = 0, .size = 14, .data = data[i].data()};
    infos[i].address = &sockets[i];
    infos[i].next = i + 1 < kMost ? &infos[i + 1] : nullptr;
  }
  Info hints{};
  hints.family = kInet4;
  hints.kind = stream;
  Info* first = infos.data();
  Word count = 99;
  // With the zero at the end, as the crate counts it.
  const Word error = sock_getaddrinfo(name, std::strlen(name) + 1, of, std::strlen(of) + 1, &hints,
                                      &first, kMost, &count);
  if (error != ok) return static_cast<int>(error);
  for (Word i = 0; i < count; ++i) {
    EXPECT(infos[i].address_size, 16);
    EXPECT(sockets[i].family, kInet4);
    const auto& at = data[i];
    std::printf("%u.%u.%u.%u:%u\n", at[2], at[3], at[4], at[5], at[0] * 256U + at[1]);
  }
  return 0;
}

// What a policy refuses is EACCES each time.
int denied(Word port) {
  Word fd = 0;
  const Word opened = sock_open(kInet4, stream, &fd);
  if (opened != ok) return static_cast<int>(opened);
  V4 own;
  for (int i = 0; i < 3; ++i) {
    EXPECT(sock_bind(fd, &own.record, port), acces);
    EXPECT(sock_connect(fd, &own.record, port), acces);
  }
  EXPECT(sock_listen(fd, 1), acces);  // on a port of the system's choice, of all addresses
  Word datagrams = 0;
  EXPECT(sock_open(kInet4, datagram, &datagrams), ok);
  Buffer buffer{own.bytes.data(), 4};
  Word length = 0;
  EXPECT(sock_bind(datagrams, &own.record, port), acces);
  EXPECT(sock_connect(datagrams, &own.record, port), acces);
  EXPECT(sock_send_to(datagrams, &buffer, 1, &own.record, port, 0, &length), acces);
  EXPECT(look_up("localhost", "80"), acces);
  EXPECT(look_up("127.0.0.1", "80"), ok);  // numbers reach nobody
  return 0;
}

// As many as it gets; then room again for one after each that is closed.
int hog() {
  Word opened = 0;
  Word last = 0;
  Word error = ok;
  while ((error = sock_open(kInet4, stream, &last)) == ok) ++opened;
  EXPECT(error, mfile);
  for (int i = 0; i < 5000; ++i) {
    EXPECT(fd_close(last), ok);
    EXPECT(sock_open(kInet4, stream, &last), ok);
    EXPECT(sock_open(kInet4, stream, &error), mfile);
  }
  std::printf("%u\n", opened);
  return 0;
}

Word number(const char* text) { return static_cast<Word>(std::strtoul(text, nullptr, 10)); }

}  // namespace

int main(int count, char** arguments) {
  const std::string_view what = count > 1 ? arguments[1] : "";
  if (what == "checks") return checks();
  if (what == "hostile") return hostile();
  if (what == "udp") return udp();
  if (what == "hog") return hog();
  if (what == "serve" && count > 2) return serve(number(arguments[2]));
  if (what == "pour" && count > 2) return pour(number(arguments[2]));
  if (what == "dial" && count > 3) return dial_and_say(number(arguments[2]), arguments[3]);
  if (what == "look-up" && count > 3) return look_up(arguments[2], arguments[3]);
  if (what == "denied" && count > 2) return denied(number(arguments[2]));
  return 2;
}
