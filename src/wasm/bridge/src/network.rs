//! The one door to the network: every outbound request, socket address and name asks the host.

use crate::abi::Bytes;
use crate::outbound;
use crate::state::{Instance, State};
use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use wasmtime::component::Resource;
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup as lookup;
use wasmtime_wasi::p2::bindings::sockets::network::{
    self, ErrorCode, IpAddress, IpAddressFamily, Network,
};
use wasmtime_wasi::p2::bindings::sockets::{tcp_create_socket, udp_create_socket};
use wasmtime_wasi::p2::{DynPollable, SocketError, SocketResult, TcpSocket, UdpSocket};
use wasmtime_wasi::sockets::{SocketAddrUse, WasiSocketsCtxView};
use wasmtime_wasi::{WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

/// wasm::SocketUse.
#[derive(Clone, Copy)]
pub enum Use {
    TcpConnect,
    TcpBind,
    UdpBind,
    UdpSend,
    Resolve,
    Open,
    TcpListen,
}

/// Outbound requests of one instance. None: no network.
pub struct Hooks(pub Option<Arc<Instance>>);

/// The response, and what drives its connection.
pub type Sent =
    Result<(http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        done: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        drop(done); // tells of errors in a response's body that WASI 0.2 has no place for
        match &self.0 {
            Some(instance) if allow_request(instance, &request) => {
                Box::new(outbound::send(instance.clone(), request, options.unwrap_or_default()))
            }
            _ => Box::new(async { Err(Error::HttpRequestDenied) }),
        }
    }
}

fn allow_request(instance: &Instance, request: &http::Request<WasiBody>) -> bool {
    let uri = request.uri();
    let scheme = uri.scheme_str().unwrap_or("http");
    let Some(authority) = uri.authority() else { return false };
    // User information would let "good.example@bad.example" be read in two ways.
    if authority.as_str().contains('@') {
        return false;
    }
    let port = outbound::port_of(uri);
    let authority = format!("{}:{port}", authority.host());
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let bytes = |text: &str| Bytes::of(text.as_bytes());
    unsafe {
        (instance.callbacks.instance_allow_request)(
            instance.object.0,
            bytes(request.method().as_str()),
            bytes(scheme),
            bytes(&authority),
            bytes(path),
        )
    }
}

pub fn allow_socket(instance: &Instance, purpose: Use, address: &str) -> bool {
    let address = Bytes::of(address.as_bytes());
    unsafe {
        (instance.callbacks.instance_allow_socket)(instance.object.0, purpose as u32, address)
    }
}

/// Tells the policy what a name that it allowed stands for.
pub fn tell_resolved(instance: &Instance, name: &str, address: IpAddr) {
    let address = address.to_string();
    let (name, address) = (Bytes::of(name.as_bytes()), Bytes::of(address.as_bytes()));
    unsafe { (instance.callbacks.instance_resolved)(instance.object.0, name, address) }
}

pub fn allow_sockets(builder: &mut WasiCtxBuilder, instance: Arc<Instance>) {
    // Each address and each name is asked for below.
    builder.allow_tcp(true).allow_udp(true).allow_ip_name_lookup(true);
    builder.socket_addr_check(move |address: SocketAddr, purpose| {
        let allowed = allow_address(&instance, purpose, address);
        Box::pin(async move { allowed })
    });
}

pub fn allow_address(instance: &Instance, purpose: SocketAddrUse, address: SocketAddr) -> bool {
    // Connecting and sending bind a port of the system's choice first; that alone reaches nobody.
    let implicit = address.ip().is_unspecified() && address.port() == 0;
    let purpose = match purpose {
        SocketAddrUse::TcpBind | SocketAddrUse::UdpBind if implicit => return true,
        SocketAddrUse::TcpAccept => return true, // listening was allowed
        SocketAddrUse::TcpConnect => Use::TcpConnect,
        SocketAddrUse::TcpBind => Use::TcpBind,
        SocketAddrUse::TcpListen => Use::TcpListen,
        SocketAddrUse::UdpBind => Use::UdpBind,
        SocketAddrUse::UdpSend | SocketAddrUse::UdpReceive => Use::UdpSend,
    };
    allow_socket(instance, purpose, &address.to_string())
}

/// Where a guest's use of sockets begins: a socket is opened, a name is looked up. Each with a
/// question, over the sockets' own implementation.
pub struct Sockets<'a> {
    sockets: WasiSocketsCtxView<'a>,
    instance: Option<Arc<Instance>>,
    names: &'a mut HashMap<u32, String>,
}

pub fn sockets(state: &mut State) -> Sockets<'_> {
    let WasiCtxView { ctx, table } = state.wasi.ctx();
    Sockets {
        sockets: WasiSocketsCtxView { ctx: ctx.sockets(), table },
        instance: state.hooks.0.clone(),
        names: &mut state.lookups,
    }
}

impl Sockets<'_> {
    fn may(&self, purpose: Use, what: &str) -> SocketResult<()> {
        let allowed = |instance| allow_socket(instance, purpose, what);
        match self.instance.as_deref().is_some_and(allowed) {
            true => Ok(()),
            false => Err(ErrorCode::AccessDenied.into()),
        }
    }
}

impl tcp_create_socket::Host for Sockets<'_> {
    fn create_tcp_socket(&mut self, family: IpAddressFamily) -> SocketResult<Resource<TcpSocket>> {
        self.may(Use::Open, "")?;
        tcp_create_socket::Host::create_tcp_socket(&mut self.sockets, family)
    }
}

impl udp_create_socket::Host for Sockets<'_> {
    async fn create_udp_socket(
        &mut self,
        family: IpAddressFamily,
    ) -> SocketResult<Resource<UdpSocket>> {
        self.may(Use::Open, "")?;
        udp_create_socket::Host::create_udp_socket(&mut self.sockets, family).await
    }
}

impl network::Host for Sockets<'_> {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
        self.sockets.convert_error_code(error)
    }

    fn network_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        self.sockets.network_error_code(error)
    }
}

impl network::HostNetwork for Sockets<'_> {
    fn drop(&mut self, network: Resource<Network>) -> wasmtime::Result<()> {
        network::HostNetwork::drop(&mut self.sockets, network)
    }
}

impl lookup::Host for Sockets<'_> {
    fn resolve_addresses(
        &mut self,
        network: Resource<Network>,
        name: String,
    ) -> SocketResult<Resource<lookup::ResolveAddressStream>> {
        self.may(Use::Resolve, &name)?;
        let stream = lookup::Host::resolve_addresses(&mut self.sockets, network, name.clone())?;
        self.names.insert(stream.rep(), name);
        Ok(stream)
    }
}

impl lookup::HostResolveAddressStream for Sockets<'_> {
    fn resolve_next_address(
        &mut self,
        stream: Resource<lookup::ResolveAddressStream>,
    ) -> SocketResult<Option<IpAddress>> {
        let number = stream.rep();
        let address = self.sockets.resolve_next_address(stream)?;
        if let (Some(address), Some(name), Some(instance)) =
            (&address, self.names.get(&number), &self.instance)
        {
            tell_resolved(instance, name, ip_of(address));
        }
        Ok(address)
    }

    fn subscribe(
        &mut self,
        stream: Resource<lookup::ResolveAddressStream>,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        self.sockets.subscribe(stream)
    }

    fn drop(&mut self, stream: Resource<lookup::ResolveAddressStream>) -> wasmtime::Result<()> {
        self.names.remove(&stream.rep());
        lookup::HostResolveAddressStream::drop(&mut self.sockets, stream)
    }
}

fn ip_of(address: &IpAddress) -> IpAddr {
    match *address {
        IpAddress::Ipv4((a, b, c, d)) => Ipv4Addr::new(a, b, c, d).into(),
        IpAddress::Ipv6((a, b, c, d, e, f, g, h)) => Ipv6Addr::new(a, b, c, d, e, f, g, h).into(),
    }
}
