// The command side of the test component: the first argument says what to do. Exit code 0 means
// that what it saw was right.
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

extern "C" {
#include "hostile.h"
}

namespace {

hostile_string_t borrow(std::string_view text) {
  return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data())), text.size()};
}
std::string_view text(const hostile_string_t& string) {
  return {reinterpret_cast<const char*>(string.ptr), string.len};
}

// Every kind of value there and back.
bool echo() {
  quern_test_host_point_t points[2]{};
  points[0] = {1.5F, -2.25, {true, borrow("first")}};
  points[1] = {0.0F, 1e300, {false, {}}};
  std::uint8_t blob[3] = {0, 127, 255};
  quern_test_host_everything_t sent{};
  sent.truth = true;
  sent.small = 200;
  sent.medium = 4'000'000'000U;
  sent.large = 18'000'000'000'000'000'000ULL;
  sent.negative = -5;
  sent.letter = 0x1F600;
  sent.text = borrow("grüße");
  sent.blob = {blob, 3};
  sent.pair = {7, 8};
  sent.color = QUERN_TEST_HOST_COLOR_BLUE;
  sent.allowed = QUERN_TEST_HOST_PERMISSIONS_READ | QUERN_TEST_HOST_PERMISSIONS_EXECUTE;
  sent.shape.tag = QUERN_TEST_HOST_SHAPE_POLYGON;
  sent.shape.val.polygon = {points, 2};
  sent.outcome.is_err = true;
  sent.outcome.val.err = borrow("no");
  quern_test_host_everything_t got{};
  hostile_string_t error{};
  if (!quern_test_host_echo(&sent, &got, &error)) return false;
  const auto& polygon = got.shape.val.polygon;
  return got.truth && got.small == 200 && got.medium == sent.medium && got.large == sent.large &&
         got.negative == -5 && got.letter == 0x1F600 && text(got.text) == "grüße" &&
         got.blob.len == 3 && got.blob.ptr[2] == 255 && got.pair.f0 == 7 && got.pair.f1 == 8 &&
         got.color == QUERN_TEST_HOST_COLOR_BLUE && got.allowed == sent.allowed &&
         got.shape.tag == QUERN_TEST_HOST_SHAPE_POLYGON && polygon.len == 2 &&
         polygon.ptr[0].x == 1.5F && polygon.ptr[0].y == -2.25 && polygon.ptr[0].label.is_some &&
         text(polygon.ptr[0].label.val) == "first" && !polygon.ptr[1].label.is_some &&
         got.outcome.is_err && text(got.outcome.val.err) == "no";
}

// Makes, uses, passes on and drops host resources; waits on a pollable of the host's.
bool resources() {
  const auto one = quern_test_host_constructor_counter(10);
  const auto two = quern_test_host_constructor_counter(100);
  if (quern_test_host_method_counter_next(quern_test_host_borrow_counter(one)) != 11) return false;
  const auto three =
      quern_test_host_static_counter_absorb(one, quern_test_host_borrow_counter(two));
  if (quern_test_host_method_counter_next(quern_test_host_borrow_counter(three)) != 112)
    return false;
  const auto pollable = quern_test_host_method_counter_ready(quern_test_host_borrow_counter(three));
  wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(pollable));
  wasi_io_poll_pollable_drop_own(pollable);
  quern_test_host_counter_drop_own(two);
  return true;  // three is left for the end of the instance
}

bool handle_hog() {
  for (;;) quern_test_host_constructor_counter(1);
}

bool forged_handle() { return quern_test_host_method_counter_next({12345}) == 0; }

// A text that is longer than all memory, and one that is merely long.
bool overlong_text() {
  hostile_string_t lie{reinterpret_cast<std::uint8_t*>(64), 0xFFFF'FFF0U};
  return quern_test_host_measure(&lie) == 0;
}
bool long_text(std::size_t size) {
  const std::string long_text(size, 'x');
  hostile_string_t string = borrow(long_text);
  return quern_test_host_measure(&string) == size;
}

// What a connection to 127.0.0.1:9 ends in: "denied" is 0.
bool connect_denied() {
  wasi_sockets_tcp_create_socket_own_tcp_socket_t socket;
  wasi_sockets_tcp_error_code_t error;
  if (!wasi_sockets_tcp_create_socket_create_tcp_socket(WASI_SOCKETS_NETWORK_IP_ADDRESS_FAMILY_IPV4,
                                                        &socket, &error)) {
    return error == WASI_SOCKETS_NETWORK_ERROR_CODE_ACCESS_DENIED;
  }
  const auto network = wasi_sockets_instance_network_instance_network();
  wasi_sockets_tcp_ip_socket_address_t address{};
  address.tag = WASI_SOCKETS_NETWORK_IP_SOCKET_ADDRESS_IPV4;
  address.val.ipv4 = {9, {127, 0, 0, 1}};
  const auto borrowed = wasi_sockets_tcp_borrow_tcp_socket(socket);
  if (!wasi_sockets_tcp_method_tcp_socket_start_connect(
          borrowed, wasi_sockets_network_borrow_network(network), &address, &error)) {
    return error == WASI_SOCKETS_NETWORK_ERROR_CODE_ACCESS_DENIED;
  }
  const auto pollable = wasi_sockets_tcp_method_tcp_socket_subscribe(borrowed);
  wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(pollable));
  wasi_sockets_tcp_tuple2_own_input_stream_own_output_stream_t streams;
  return !wasi_sockets_tcp_method_tcp_socket_finish_connect(borrowed, &streams, &error) &&
         error == WASI_SOCKETS_NETWORK_ERROR_CODE_ACCESS_DENIED;
}

bool resolve_denied() {
  const auto network = wasi_sockets_instance_network_instance_network();
  hostile_string_t name = borrow("localhost");
  wasi_sockets_ip_name_lookup_own_resolve_address_stream_t stream;
  wasi_sockets_ip_name_lookup_error_code_t error;
  return !wasi_sockets_ip_name_lookup_resolve_addresses(
             wasi_sockets_network_borrow_network(network), &name, &stream, &error) &&
         error == WASI_SOCKETS_NETWORK_ERROR_CODE_ACCESS_DENIED;
}

bool command(std::string_view name) {
  if (name == "echo") return echo();
  if (name == "resources") return resources();
  if (name == "handle_hog") return handle_hog();
  if (name == "forged_handle") return forged_handle();
  if (name == "overlong_text") return overlong_text();
  if (name == "long_text") return long_text(1 << 20);
  if (name == "connect_denied") return connect_denied();
  if (name == "resolve_denied") return resolve_denied();
  if (name == "wait") return quern_test_host_wait_answer(1) == 42;
  if (name == "print") {
    std::puts("printed by a component");
    return true;
  }
  return false;
}

}  // namespace

extern "C" bool exports_wasi_cli_run_run() {
  hostile_list_string_t arguments;
  wasi_cli_environment_get_arguments(&arguments);
  const bool right = arguments.len > 1 && command(text(arguments.ptr[1]));
  std::fflush(stdout);  // nobody else does it in a component that is not libc's command
  return right;
}
