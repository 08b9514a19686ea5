//! wasi:sockets, recorded: who is to answer are `network.rs`, which asks the policy, and Wasmtime's
//! implementation.

use crate::network::{sockets, Sockets};
use crate::recorded::{enums, recorded, records, told, variants, Errors, Logged, Recorded};
use crate::state::State;
use crate::values::put_u32;
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::p2::bindings::sockets::network::{
    self, ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress,
    Ipv6SocketAddress, Network,
};
use wasmtime_wasi::p2::bindings::sockets::tcp::{self, ShutdownType};
use wasmtime_wasi::p2::bindings::sockets::udp::{
    self, IncomingDatagram, IncomingDatagramStream, OutgoingDatagram, OutgoingDatagramStream,
};
use wasmtime_wasi::p2::bindings::sockets::{
    instance_network, ip_name_lookup as lookup, tcp_create_socket, udp_create_socket,
};
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, DynPollable, SocketError, SocketResult, TcpSocket, UdpSocket,
};
use wasmtime_wasi::sockets::{WasiSocketsCtxView, WasiSocketsView};

type Plain<'a> = WasiSocketsCtxView<'a>;

struct HasPlain;

impl HasData for HasPlain {
    type Data<'a> = Recorded<Plain<'a>>;
}

fn plain(state: &mut State) -> Recorded<Plain<'_>> {
    let tape = state.tape.clone();
    Recorded { inner: WasiSocketsView::sockets(state), tape }
}

/// Where a question is asked first.
struct HasAsking;

impl HasData for HasAsking {
    type Data<'a> = Recorded<Sockets<'a>>;
}

fn asking(state: &mut State) -> Recorded<Sockets<'_>> {
    let tape = state.tape.clone();
    Recorded { inner: sockets(state), tape }
}

pub fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let l = linker;
    let options = network::LinkOptions::default();
    network::add_to_linker::<State, HasPlain>(l, &options, plain)?;
    instance_network::add_to_linker::<State, HasPlain>(l, plain)?;
    tcp::add_to_linker::<State, HasPlain>(l, plain)?;
    udp::add_to_linker::<State, HasPlain>(l, plain)?;
    lookup::add_to_linker::<State, HasAsking>(l, asking)?;
    tcp_create_socket::add_to_linker::<State, HasAsking>(l, asking)?;
    udp_create_socket::add_to_linker::<State, HasAsking>(l, asking)
}

enums! { ErrorCode IpAddressFamily ShutdownType }
records! {
    Ipv4SocketAddress { port address }
    Ipv6SocketAddress { port flow_info address scope_id }
    IncomingDatagram { data remote_address }
    OutgoingDatagram { data remote_address }
}
variants! {
    IpAddress { 0 Ipv4(address) 1 Ipv6(address) }
    IpSocketAddress { 0 Ipv4(address) 1 Ipv6(address) }
}

macro_rules! errors {
    ($($inner:ty)*) => {
        $(impl Errors<SocketError> for Recorded<$inner> {
            type Code = ErrorCode;

            fn code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
                error.downcast()
            }

            fn again(code: ErrorCode) -> SocketError {
                code.into()
            }

            fn trap(error: wasmtime::Error) -> SocketError {
                SocketError::trap(error)
            }
        })*
    };
}
errors! { Plain<'_> Sockets<'_> }

type Tcp = Resource<TcpSocket>;
type Udp = Resource<UdpSocket>;
type In = Resource<DynInputStream>;
type Out = Resource<DynOutputStream>;
type Lookup = Resource<lookup::ResolveAddressStream>;
type Incoming = Resource<IncomingDatagramStream>;
type Outgoing = Resource<OutgoingDatagramStream>;

recorded! { impl network::Host, Plain<'_>, "wasi:sockets/network" {
    turns convert_error_code (SocketError) -> ErrorCode;
    plain network_error_code = "network-error-code"
        (err: Resource<wasmtime::Error>) -> Option<ErrorCode>;
} }
recorded! { impl network::HostNetwork, Plain<'_>, "wasi:sockets/network" {
    plain drop = "[resource-drop]network" (this: Resource<Network>) -> ();
} }
// Its functions have errors of this interface, and nothing else of it.
recorded! { impl network::Host, Sockets<'_>, "wasi:sockets/network" {
    turns convert_error_code (SocketError) -> ErrorCode;
    plain network_error_code = "network-error-code"
        (err: Resource<wasmtime::Error>) -> Option<ErrorCode>;
} }
recorded! { impl network::HostNetwork, Sockets<'_>, "wasi:sockets/network" {
    plain drop = "[resource-drop]network" (this: Resource<Network>) -> ();
} }
recorded! { impl instance_network::Host, Plain<'_>, "wasi:sockets/instance-network" {
    plain instance_network = "instance-network" () -> Resource<Network>;
} }
recorded! { impl tcp_create_socket::Host, Sockets<'_>, "wasi:sockets/tcp-create-socket" {
    tries create_tcp_socket = "create-tcp-socket" (family: IpAddressFamily) -> SocketResult<Tcp>;
} }
recorded! { impl udp_create_socket::Host, Sockets<'_>, "wasi:sockets/udp-create-socket" {
    tries_waiting create_udp_socket = "create-udp-socket"
        (family: IpAddressFamily) -> SocketResult<Udp>;
} }

recorded! { impl lookup::Host, Sockets<'_>, "wasi:sockets/ip-name-lookup" {
    tries resolve_addresses = "resolve-addresses"
        (network: Resource<Network>, name: String) -> SocketResult<Lookup>;
} }
recorded! { impl lookup::HostResolveAddressStream, Sockets<'_>, "wasi:sockets/ip-name-lookup" {
    tries resolve_next_address = "[method]resolve-address-stream.resolve-next-address"
        (this: Lookup) -> SocketResult<Option<IpAddress>>;
    plain subscribe = "[method]resolve-address-stream.subscribe"
        (this: Lookup) -> Resource<DynPollable>;
    plain drop = "[resource-drop]resolve-address-stream" (this: Lookup) -> ();
} }

recorded! { impl tcp::Host, Plain<'_>, "wasi:sockets/tcp" {} }
recorded! { impl tcp::HostTcpSocket, Plain<'_>, "wasi:sockets/tcp" {
    tries_waiting start_bind = "[method]tcp-socket.start-bind"
        (this: Tcp, network: Resource<Network>, address: IpSocketAddress) -> SocketResult<()>;
    tries finish_bind = "[method]tcp-socket.finish-bind" (this: Tcp) -> SocketResult<()>;
    tries start_connect = "[method]tcp-socket.start-connect"
        (this: Tcp, network: Resource<Network>, address: IpSocketAddress) -> SocketResult<()>;
    tries finish_connect = "[method]tcp-socket.finish-connect"
        (this: Tcp) -> SocketResult<(In, Out)>;
    tries_waiting start_listen = "[method]tcp-socket.start-listen" (this: Tcp) -> SocketResult<()>;
    tries finish_listen = "[method]tcp-socket.finish-listen" (this: Tcp) -> SocketResult<()>;
    tries accept = "[method]tcp-socket.accept" (this: Tcp) -> SocketResult<(Tcp, In, Out)>;
    tries local_address = "[method]tcp-socket.local-address"
        (this: Tcp) -> SocketResult<IpSocketAddress>;
    tries remote_address = "[method]tcp-socket.remote-address"
        (this: Tcp) -> SocketResult<IpSocketAddress>;
    plain is_listening = "[method]tcp-socket.is-listening" (this: Tcp) -> bool;
    plain address_family = "[method]tcp-socket.address-family" (this: Tcp) -> IpAddressFamily;
    tries set_listen_backlog_size = "[method]tcp-socket.set-listen-backlog-size"
        (this: Tcp, value: u64) -> SocketResult<()>;
    tries keep_alive_enabled = "[method]tcp-socket.keep-alive-enabled"
        (this: Tcp) -> SocketResult<bool>;
    tries set_keep_alive_enabled = "[method]tcp-socket.set-keep-alive-enabled"
        (this: Tcp, value: bool) -> SocketResult<()>;
    tries keep_alive_idle_time = "[method]tcp-socket.keep-alive-idle-time"
        (this: Tcp) -> SocketResult<u64>;
    tries set_keep_alive_idle_time = "[method]tcp-socket.set-keep-alive-idle-time"
        (this: Tcp, value: u64) -> SocketResult<()>;
    tries keep_alive_interval = "[method]tcp-socket.keep-alive-interval"
        (this: Tcp) -> SocketResult<u64>;
    tries set_keep_alive_interval = "[method]tcp-socket.set-keep-alive-interval"
        (this: Tcp, value: u64) -> SocketResult<()>;
    tries keep_alive_count = "[method]tcp-socket.keep-alive-count"
        (this: Tcp) -> SocketResult<u32>;
    tries set_keep_alive_count = "[method]tcp-socket.set-keep-alive-count"
        (this: Tcp, value: u32) -> SocketResult<()>;
    tries hop_limit = "[method]tcp-socket.hop-limit" (this: Tcp) -> SocketResult<u8>;
    tries set_hop_limit = "[method]tcp-socket.set-hop-limit"
        (this: Tcp, value: u8) -> SocketResult<()>;
    tries receive_buffer_size = "[method]tcp-socket.receive-buffer-size"
        (this: Tcp) -> SocketResult<u64>;
    tries set_receive_buffer_size = "[method]tcp-socket.set-receive-buffer-size"
        (this: Tcp, value: u64) -> SocketResult<()>;
    tries send_buffer_size = "[method]tcp-socket.send-buffer-size"
        (this: Tcp) -> SocketResult<u64>;
    tries set_send_buffer_size = "[method]tcp-socket.set-send-buffer-size"
        (this: Tcp, value: u64) -> SocketResult<()>;
    plain subscribe = "[method]tcp-socket.subscribe" (this: Tcp) -> Resource<DynPollable>;
    tries shutdown = "[method]tcp-socket.shutdown"
        (this: Tcp, how: ShutdownType) -> SocketResult<()>;
    plain drop = "[resource-drop]tcp-socket" (this: Tcp) -> ();
} }

recorded! { impl udp::Host, Plain<'_>, "wasi:sockets/udp" {} }
recorded! { impl udp::HostUdpSocket, Plain<'_>, "wasi:sockets/udp" {
    tries_waiting start_bind = "[method]udp-socket.start-bind"
        (this: Udp, network: Resource<Network>, address: IpSocketAddress) -> SocketResult<()>;
    tries finish_bind = "[method]udp-socket.finish-bind" (this: Udp) -> SocketResult<()>;
    tries_waiting stream = "[method]udp-socket.stream"
        (this: Udp, address: Option<IpSocketAddress>) -> SocketResult<(Incoming, Outgoing)>;
    tries local_address = "[method]udp-socket.local-address"
        (this: Udp) -> SocketResult<IpSocketAddress>;
    tries remote_address = "[method]udp-socket.remote-address"
        (this: Udp) -> SocketResult<IpSocketAddress>;
    plain address_family = "[method]udp-socket.address-family" (this: Udp) -> IpAddressFamily;
    tries unicast_hop_limit = "[method]udp-socket.unicast-hop-limit"
        (this: Udp) -> SocketResult<u8>;
    tries set_unicast_hop_limit = "[method]udp-socket.set-unicast-hop-limit"
        (this: Udp, value: u8) -> SocketResult<()>;
    tries receive_buffer_size = "[method]udp-socket.receive-buffer-size"
        (this: Udp) -> SocketResult<u64>;
    tries set_receive_buffer_size = "[method]udp-socket.set-receive-buffer-size"
        (this: Udp, value: u64) -> SocketResult<()>;
    tries send_buffer_size = "[method]udp-socket.send-buffer-size"
        (this: Udp) -> SocketResult<u64>;
    tries set_send_buffer_size = "[method]udp-socket.set-send-buffer-size"
        (this: Udp, value: u64) -> SocketResult<()>;
    plain subscribe = "[method]udp-socket.subscribe" (this: Udp) -> Resource<DynPollable>;
    plain drop = "[resource-drop]udp-socket" (this: Udp) -> ();
} }
recorded! { impl udp::HostIncomingDatagramStream, Plain<'_>, "wasi:sockets/udp" {
    tries receive = "[method]incoming-datagram-stream.receive"
        (this: Incoming, most: u64) -> SocketResult<Vec<IncomingDatagram>>;
    plain subscribe = "[method]incoming-datagram-stream.subscribe"
        (this: Incoming) -> Resource<DynPollable>;
    plain drop = "[resource-drop]incoming-datagram-stream" (this: Incoming) -> ();
} }
recorded! { impl udp::HostOutgoingDatagramStream, Plain<'_>, "wasi:sockets/udp" {
    tries check_send = "[method]outgoing-datagram-stream.check-send"
        (this: Outgoing) -> SocketResult<u64>;
    tries send = "[method]outgoing-datagram-stream.send"
        (this: Outgoing, datagrams: Vec<OutgoingDatagram>) -> SocketResult<u64>;
    plain subscribe = "[method]outgoing-datagram-stream.subscribe"
        (this: Outgoing) -> Resource<DynPollable>;
    waits drop = "[resource-drop]outgoing-datagram-stream" (this: Outgoing) -> ();
} }
