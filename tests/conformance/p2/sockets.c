// wasi:sockets over loopback: a connection and datagrams to itself. Granted: everything on
// 127.0.0.1, and looking up localhost; nothing on 127.0.0.2.
#include "p2.h"

typedef wasi_sockets_network_error_code_t code_t;
typedef wasi_sockets_network_ip_socket_address_t address_t;

#define CODE(name) WASI_SOCKETS_NETWORK_ERROR_CODE_##name
#define NO_CODE 255
#define FAILS(call) ((code = NO_CODE), (call) ? NO_CODE : code)
#define IPV4 WASI_SOCKETS_NETWORK_IP_ADDRESS_FAMILY_IPV4
#define BORROW_TCP wasi_sockets_tcp_borrow_tcp_socket
#define BORROW_UDP wasi_sockets_udp_borrow_udp_socket

static wasi_sockets_network_borrow_network_t network;
static code_t code;

static address_t at(uint8_t last, uint16_t port) {
  return (address_t){.tag = WASI_SOCKETS_NETWORK_IP_SOCKET_ADDRESS_IPV4,
                     .val.ipv4 = {.port = port, .address = {127, 0, 0, last}}};
}

static wasi_sockets_tcp_own_tcp_socket_t tcp_socket(void) {
  wasi_sockets_tcp_own_tcp_socket_t socket = {0};
  check("create-tcp-socket",
        wasi_sockets_tcp_create_socket_create_tcp_socket(IPV4, &socket, &code));
  return socket;
}

static void options(wasi_sockets_tcp_borrow_tcp_socket_t socket) {
  bool on = false;
  uint64_t number = 0;
  uint32_t count = 0;
  uint8_t hops = 0;
  is("address-family", TCP(address_family)(socket), IPV4);
  check("set-keep-alive-enabled", TCP(set_keep_alive_enabled)(socket, true, &code));
  check("keep-alive-enabled", TCP(keep_alive_enabled)(socket, &on, &code) && on);
  check("set-keep-alive-idle-time", TCP(set_keep_alive_idle_time)(socket, 60000000000, &code));
  check("keep-alive-idle-time",
        TCP(keep_alive_idle_time)(socket, &number, &code) && number == 60000000000);
  check("set-keep-alive-interval", TCP(set_keep_alive_interval)(socket, 30000000000, &code));
  check("keep-alive-interval",
        TCP(keep_alive_interval)(socket, &number, &code) && number == 30000000000);
  check("set-keep-alive-count", TCP(set_keep_alive_count)(socket, 5, &code));
  check("keep-alive-count", TCP(keep_alive_count)(socket, &count, &code) && count == 5);
  check("set-hop-limit", TCP(set_hop_limit)(socket, 42, &code));
  check("hop-limit", TCP(hop_limit)(socket, &hops, &code) && hops == 42);
  is("set-hop-limit: zero", FAILS(TCP(set_hop_limit)(socket, 0, &code)), CODE(INVALID_ARGUMENT));
  check("set-receive-buffer-size", TCP(set_receive_buffer_size)(socket, 65536, &code));
  check("receive-buffer-size", TCP(receive_buffer_size)(socket, &number, &code) && number > 0);
  check("set-send-buffer-size", TCP(set_send_buffer_size)(socket, 65536, &code));
  check("send-buffer-size", TCP(send_buffer_size)(socket, &number, &code) && number > 0);
  is("set-send-buffer-size: zero", FAILS(TCP(set_send_buffer_size)(socket, 0, &code)),
     CODE(INVALID_ARGUMENT));
}

// A listener on a port of the system's choice.
static wasi_sockets_tcp_own_tcp_socket_t listener(address_t* where) {
  const wasi_sockets_tcp_own_tcp_socket_t own = tcp_socket();
  const wasi_sockets_tcp_borrow_tcp_socket_t socket = BORROW_TCP(own);
  address_t any = at(1, 0);
  is("local-address: none yet", FAILS(TCP(local_address)(socket, where, &code)),
     CODE(INVALID_STATE));
  check("start-bind", TCP(start_bind)(socket, network, &any, &code));
  check("finish-bind", TCP(finish_bind)(socket, &code));
  is("start-bind: again", FAILS(TCP(start_bind)(socket, network, &any, &code)),
     CODE(INVALID_STATE));
  check("set-listen-backlog-size", TCP(set_listen_backlog_size)(socket, 16, &code));
  check("is-listening: not yet", !TCP(is_listening)(socket));
  check("start-listen", TCP(start_listen)(socket, &code));
  check("finish-listen", TCP(finish_listen)(socket, &code));
  check("is-listening", TCP(is_listening)(socket));
  check("local-address", TCP(local_address)(socket, where, &code) && where->val.ipv4.port != 0);
  return own;
}

static void connection(void) {
  address_t where = {0}, peer = {0};
  const wasi_sockets_tcp_own_tcp_socket_t server = listener(&where), client = tcp_socket();
  options(BORROW_TCP(client));
  wasi_sockets_tcp_tuple3_own_tcp_socket_own_input_stream_own_output_stream_t taken;
  is("accept: nobody yet", FAILS(TCP(accept)(BORROW_TCP(server), &taken, &code)),
     CODE(WOULD_BLOCK));
  check("start-connect", TCP(start_connect)(BORROW_TCP(client), network, &where, &code));
  wait_for(TCP(subscribe)(BORROW_TCP(client)));
  wasi_sockets_tcp_tuple2_own_input_stream_own_output_stream_t made;
  if (!check("finish-connect", TCP(finish_connect)(BORROW_TCP(client), &made, &code))) return;
  check("remote-address", TCP(remote_address)(BORROW_TCP(client), &peer, &code) &&
                              peer.val.ipv4.port == where.val.ipv4.port);
  wait_for(TCP(subscribe)(BORROW_TCP(server)));
  if (!check("accept", TCP(accept)(BORROW_TCP(server), &taken, &code))) return;
  stream_error_t error;
  checks_list_u8_t word = bytes("hello over there"), got = {0};
  check("bytes go out", OUTPUT(blocking_write_and_flush)(BORROW_OUTPUT(made.f1), &word, &error));
  check("bytes come in", INPUT(blocking_read)(BORROW_INPUT(taken.f1), 100, &got, &error) &&
                             same(got.ptr, got.len, "hello over there"));
  check("shutdown", TCP(shutdown)(BORROW_TCP(client), WASI_SOCKETS_TCP_SHUTDOWN_TYPE_SEND, &code));
  check("the other side sees the end",
        !INPUT(blocking_read)(BORROW_INPUT(taken.f1), 100, &got, &error) &&
            error.tag == WASI_IO_STREAMS_STREAM_ERROR_CLOSED);
  wasi_io_streams_input_stream_drop_own(made.f0);
  wasi_io_streams_output_stream_drop_own(made.f1);
  wasi_io_streams_input_stream_drop_own(taken.f1);
  wasi_io_streams_output_stream_drop_own(taken.f2);
  wasi_sockets_tcp_tcp_socket_drop_own(taken.f0);
  wasi_sockets_tcp_tcp_socket_drop_own(client);
  wasi_sockets_tcp_tcp_socket_drop_own(server);
}

static void refused(void) {
  address_t where = {0}, elsewhere = at(2, 9), nowhere = at(1, 0);
  wasi_sockets_tcp_tuple2_own_input_stream_own_output_stream_t made;
  wasi_sockets_tcp_tcp_socket_drop_own(listener(&where));  // its port is free now
  wasi_sockets_tcp_own_tcp_socket_t socket = tcp_socket();
  check("start-connect: to a closed port",
        TCP(start_connect)(BORROW_TCP(socket), network, &where, &code));
  wait_for(TCP(subscribe)(BORROW_TCP(socket)));
  is("finish-connect: nobody listens", FAILS(TCP(finish_connect)(BORROW_TCP(socket), &made, &code)),
     CODE(CONNECTION_REFUSED));
  socket = tcp_socket();
  is("finish-connect: not begun", FAILS(TCP(finish_connect)(BORROW_TCP(socket), &made, &code)),
     CODE(NOT_IN_PROGRESS));
  is("start-connect: no port",
     FAILS(TCP(start_connect)(BORROW_TCP(socket), network, &nowhere, &code)),
     CODE(INVALID_ARGUMENT));
  socket = tcp_socket();
  int told = FAILS(TCP(start_connect)(BORROW_TCP(socket), network, &elsewhere, &code));
  if (told == NO_CODE) {
    wait_for(TCP(subscribe)(BORROW_TCP(socket)));
    told = FAILS(TCP(finish_connect)(BORROW_TCP(socket), &made, &code));
  }
  is("start-connect: not granted", told, CODE(ACCESS_DENIED));
  socket = tcp_socket();
  told = FAILS(TCP(start_bind)(BORROW_TCP(socket), network, &elsewhere, &code));
  if (told == NO_CODE) told = FAILS(TCP(finish_bind)(BORROW_TCP(socket), &code));
  is("start-bind: not granted", told, CODE(ACCESS_DENIED));
}

static wasi_sockets_udp_own_udp_socket_t udp_socket(address_t* where) {
  wasi_sockets_udp_own_udp_socket_t own = {0};
  address_t any = at(1, 0);
  check("create-udp-socket", wasi_sockets_udp_create_socket_create_udp_socket(IPV4, &own, &code));
  const wasi_sockets_udp_borrow_udp_socket_t socket = BORROW_UDP(own);
  check("udp start-bind", UDP(start_bind)(socket, network, &any, &code));
  wait_for(UDP(subscribe)(socket));
  check("udp finish-bind", UDP(finish_bind)(socket, &code));
  check("udp local-address", UDP(local_address)(socket, where, &code) && where->val.ipv4.port != 0);
  return own;
}

static void udp_options(wasi_sockets_udp_borrow_udp_socket_t socket) {
  uint64_t number = 0;
  uint8_t hops = 0;
  is("udp address-family", UDP(address_family)(socket), IPV4);
  check("set-unicast-hop-limit", UDP(set_unicast_hop_limit)(socket, 42, &code));
  check("unicast-hop-limit", UDP(unicast_hop_limit)(socket, &hops, &code) && hops == 42);
  check("udp set-receive-buffer-size", UDP(set_receive_buffer_size)(socket, 65536, &code));
  check("udp receive-buffer-size", UDP(receive_buffer_size)(socket, &number, &code) && number > 0);
  check("udp set-send-buffer-size", UDP(set_send_buffer_size)(socket, 65536, &code));
  check("udp send-buffer-size", UDP(send_buffer_size)(socket, &number, &code) && number > 0);
}

static void datagrams(void) {
  address_t here = {0}, there = {0}, peer = {0};
  const wasi_sockets_udp_own_udp_socket_t first = udp_socket(&here), second = udp_socket(&there);
  udp_options(BORROW_UDP(first));
  wasi_sockets_udp_tuple2_own_incoming_datagram_stream_own_outgoing_datagram_stream_t ours, theirs;
  check("udp stream", UDP(stream)(BORROW_UDP(first), &there, &ours, &code));
  check("udp stream: from anybody", UDP(stream)(BORROW_UDP(second), NULL, &theirs, &code));
  check("udp remote-address", UDP(remote_address)(BORROW_UDP(first), &peer, &code) &&
                                  peer.val.ipv4.port == there.val.ipv4.port);
  is("udp remote-address: none", FAILS(UDP(remote_address)(BORROW_UDP(second), &peer, &code)),
     CODE(INVALID_STATE));
  const wasi_sockets_udp_borrow_outgoing_datagram_stream_t out =
      wasi_sockets_udp_borrow_outgoing_datagram_stream(ours.f1);
  const wasi_sockets_udp_borrow_incoming_datagram_stream_t in =
      wasi_sockets_udp_borrow_incoming_datagram_stream(theirs.f0);
  uint64_t may = 0, sent = 0;
  wait_for(wasi_sockets_udp_method_outgoing_datagram_stream_subscribe(out));
  check("check-send",
        wasi_sockets_udp_method_outgoing_datagram_stream_check_send(out, &may, &code) && may > 0);
  wasi_sockets_udp_outgoing_datagram_t datagram = {.data = bytes("a datagram")};
  wasi_sockets_udp_list_outgoing_datagram_t list = {&datagram, 1};
  check("send", wasi_sockets_udp_method_outgoing_datagram_stream_send(out, &list, &sent, &code) &&
                    sent == 1);
  wait_for(wasi_sockets_udp_method_incoming_datagram_stream_subscribe(in));
  wasi_sockets_udp_list_incoming_datagram_t got = {0};
  if (check("receive",
            wasi_sockets_udp_method_incoming_datagram_stream_receive(in, 10, &got, &code) &&
                got.len == 1)) {
    check("receive: the bytes", same(got.ptr[0].data.ptr, got.ptr[0].data.len, "a datagram"));
    is("receive: from whom", got.ptr[0].remote_address.val.ipv4.port, here.val.ipv4.port);
  }
  wasi_sockets_udp_incoming_datagram_stream_drop_own(ours.f0);
  wasi_sockets_udp_outgoing_datagram_stream_drop_own(ours.f1);
  wasi_sockets_udp_incoming_datagram_stream_drop_own(theirs.f0);
  wasi_sockets_udp_outgoing_datagram_stream_drop_own(theirs.f1);
  wasi_sockets_udp_udp_socket_drop_own(first);
  wasi_sockets_udp_udp_socket_drop_own(second);
}

// Loopback's name, which needs no resolver, and a name that is not granted.
static void names(void) {
  wasi_sockets_ip_name_lookup_own_resolve_address_stream_t own;
  wasi_sockets_ip_name_lookup_option_ip_address_t address;
  checks_string_t localhost = text("localhost"), other = text("denied.example");
  if (check("resolve-addresses",
            wasi_sockets_ip_name_lookup_resolve_addresses(network, &localhost, &own, &code))) {
    const wasi_sockets_ip_name_lookup_borrow_resolve_address_stream_t stream =
        wasi_sockets_ip_name_lookup_borrow_resolve_address_stream(own);
    wait_for(wasi_sockets_ip_name_lookup_method_resolve_address_stream_subscribe(stream));
    int v4 = 0;
    while (check("resolve-next-address",
                 wasi_sockets_ip_name_lookup_method_resolve_address_stream_resolve_next_address(
                     stream, &address, &code)) &&
           address.is_some) {
      if (address.val.tag == WASI_SOCKETS_NETWORK_IP_ADDRESS_IPV4)
        v4 += address.val.val.ipv4.f0 == 127;
    }
    check("resolve-next-address: 127.0.0.1 is among them", v4 > 0);
    wasi_sockets_ip_name_lookup_resolve_address_stream_drop_own(own);
  }
  is("resolve-addresses: not granted",
     FAILS(wasi_sockets_ip_name_lookup_resolve_addresses(network, &other, &own, &code)),
     CODE(ACCESS_DENIED));
}

int program(void) {
  const wasi_sockets_network_own_network_t own = wasi_sockets_instance_network_instance_network();
  network = wasi_sockets_network_borrow_network(own);
  connection();
  refused();
  datagrams();
  names();
  wasi_sockets_network_network_drop_own(own);
  return done();
}
