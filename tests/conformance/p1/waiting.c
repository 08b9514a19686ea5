// poll_oneoff, and the sockets that WASI 0.1 has calls for but no way to come by.
#include "p1.h"

static __wasi_subscription_t after(uint64_t userdata, __wasi_clockid_t clock,
                                   __wasi_timestamp_t when, __wasi_subclockflags_t flags) {
  __wasi_subscription_t wanted = {.userdata = userdata, .u.tag = __WASI_EVENTTYPE_CLOCK};
  wanted.u.u.clock.id = clock;
  wanted.u.u.clock.timeout = when;
  wanted.u.u.clock.flags = flags;
  return wanted;
}

static __wasi_subscription_t when_ready(uint64_t userdata, __wasi_fd_t fd,
                                        __wasi_eventtype_t what) {
  __wasi_subscription_t wanted = {.userdata = userdata, .u.tag = what};
  wanted.u.u.fd_read.file_descriptor = fd;
  return wanted;
}

static void clocks(void) {
  __wasi_event_t event = {0};
  __wasi_size_t count = 0;
  __wasi_timestamp_t before = 0, now = 0;
  const __wasi_clockid_t both[] = {__WASI_CLOCKID_MONOTONIC, __WASI_CLOCKID_REALTIME};
  for (int i = 0; i < 2; i++) {
    is("clock_time_get", __wasi_clock_time_get(both[i], 1, &before), OK);
    __wasi_subscription_t soon = after(7, both[i], 20000000, 0);
    is("poll_oneoff: 20 ms", __wasi_poll_oneoff(&soon, &event, 1, &count), OK);
    check("poll_oneoff: its event",
          count == 1 && event.userdata == 7 && event.type == __WASI_EVENTTYPE_CLOCK);
    is("poll_oneoff: without an error", event.error, OK);
    is("clock_time_get after it", __wasi_clock_time_get(both[i], 1, &now), OK);
    check("poll_oneoff: not before its time", i == 1 || now - before >= 20000000);
    soon = after(8, both[i], now + 10000000, __WASI_SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME);
    is("poll_oneoff: at a time", __wasi_poll_oneoff(&soon, &event, 1, &count), OK);
    check("poll_oneoff: its event too", count == 1 && event.userdata == 8 && event.error == OK);
    soon = after(9, both[i], 1, __WASI_SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME);
    is("poll_oneoff: a time that was", __wasi_poll_oneoff(&soon, &event, 1, &count), OK);
    is("poll_oneoff: at once", count, 1);
  }
}

static void descriptors(void) {
  __wasi_event_t events[3];
  __wasi_size_t count = 0;
  const __wasi_fd_t file = file_with("waiting.txt", "0123");
  const __wasi_subscription_t wanted[] = {
      when_ready(1, file, __WASI_EVENTTYPE_FD_READ),
      when_ready(2, 1, __WASI_EVENTTYPE_FD_WRITE),
      after(3, __WASI_CLOCKID_MONOTONIC, 3600000000000, 0),
  };
  is("poll_oneoff: three at once", __wasi_poll_oneoff(wanted, events, 3, &count), OK);
  check("poll_oneoff: not the hour", count >= 1 && count <= 2);
  for (__wasi_size_t i = 0; i < count; i++) {
    check("poll_oneoff: which one", events[i].userdata == 1 || events[i].userdata == 2);
    is("poll_oneoff: ready", events[i].error, OK);
  }
  const __wasi_subscription_t input = when_ready(4, 0, __WASI_EVENTTYPE_FD_READ);
  is("poll_oneoff: stdin", __wasi_poll_oneoff(&input, events, 1, &count), OK);
  check("poll_oneoff: it has something", count == 1 && events[0].userdata == 4);
}

static void refused(void) {
  __wasi_event_t event = {0};
  __wasi_size_t count = 0;
  const __wasi_subscription_t nobody = when_ready(5, NO_SUCH, __WASI_EVENTTYPE_FD_READ);
  __wasi_subscription_t nothing = after(6, __WASI_CLOCKID_MONOTONIC, 1, 0);
  is("poll_oneoff: for nothing", __wasi_poll_oneoff(&nothing, &event, 0, &count),
     __WASI_ERRNO_INVAL);
  const __wasi_errno_t error = __wasi_poll_oneoff(&nobody, &event, 1, &count);
  check("poll_oneoff: a number that is not open",
        error == __WASI_ERRNO_BADF ||
            (error == OK && count == 1 && event.error == __WASI_ERRNO_BADF));
  nothing.u.tag = 17;
  is("poll_oneoff: no such event", __wasi_poll_oneoff(&nothing, &event, 1, &count),
     __WASI_ERRNO_INVAL);
}

static void sockets(void) {
  uint8_t bytes[4];
  const __wasi_iovec_t in = {bytes, sizeof bytes};
  const __wasi_ciovec_t out = {bytes, sizeof bytes};
  const __wasi_fd_t file = file_with("socket.txt", "0123");
  const struct {
    __wasi_fd_t fd;
    __wasi_errno_t error;
  } tries[] = {{file, __WASI_ERRNO_NOTSOCK},
               {DATA, __WASI_ERRNO_NOTSOCK},
               {1, __WASI_ERRNO_NOTSOCK},
               {NO_SUCH, __WASI_ERRNO_BADF}};
  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
    __wasi_fd_t accepted;
    __wasi_size_t count;
    __wasi_roflags_t flags;
    is("sock_accept", __wasi_sock_accept(tries[i].fd, 0, &accepted), tries[i].error);
    is("sock_recv", __wasi_sock_recv(tries[i].fd, &in, 1, 0, &count, &flags), tries[i].error);
    is("sock_send", __wasi_sock_send(tries[i].fd, &out, 1, 0, &count), tries[i].error);
    is("sock_shutdown", __wasi_sock_shutdown(tries[i].fd, __WASI_SDFLAGS_RD), tries[i].error);
  }
}

int main(void) {
  clocks();
  descriptors();
  refused();
  sockets();
  return done();
}
