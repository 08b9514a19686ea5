//! The one door to the network: every outbound request, socket address and name asks the host.

use crate::abi::Bytes;
use crate::state::{Instance, State};
use http::uri::Scheme;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup as lookup;
use wasmtime_wasi::p2::bindings::sockets::network::{self, ErrorCode, IpAddress, Network};
use wasmtime_wasi::p2::{DynPollable, SocketError, SocketResult};
use wasmtime_wasi::sockets::{SocketAddrUse, WasiSocketsCtxView, WasiSocketsView};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

/// wasm::SocketUse.
#[derive(Clone, Copy)]
enum Use {
    TcpConnect,
    TcpBind,
    UdpBind,
    UdpSend,
    Resolve,
}

/// Outbound requests of one instance. None: no network.
pub struct Hooks(pub Option<Arc<Instance>>);

type Sent = Result<(http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        done: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        match self.0.as_ref().is_some_and(|instance| allow_request(instance, &request)) {
            true => wasmtime_wasi_http::default_hooks().send_request(request, options, done),
            false => Box::new(async { Err(Error::HttpRequestDenied) }),
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
    let port = authority.port_u16().unwrap_or(match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTPS => 443,
        _ => 80,
    });
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

fn allow_socket(instance: &Instance, purpose: Use, address: &str) -> bool {
    let address = Bytes::of(address.as_bytes());
    unsafe { (instance.callbacks.instance_allow_socket)(instance.object.0, purpose as u32, address) }
}

pub fn allow_sockets(builder: &mut WasiCtxBuilder, instance: Arc<Instance>) {
    builder.allow_ip_name_lookup(true); // each name is asked for below
    builder.socket_addr_check(move |address: SocketAddr, purpose| {
        let allowed = allow_address(&instance, purpose, address);
        Box::pin(async move { allowed })
    });
}

fn allow_address(instance: &Instance, purpose: SocketAddrUse, address: SocketAddr) -> bool {
    // Connecting and sending bind a port of the system's choice first; that alone reaches nobody.
    let implicit = address.ip().is_unspecified() && address.port() == 0;
    let purpose = match purpose {
        SocketAddrUse::TcpBind | SocketAddrUse::UdpBind if implicit => return true,
        SocketAddrUse::TcpAccept => return true, // listening was allowed
        SocketAddrUse::TcpConnect => Use::TcpConnect,
        SocketAddrUse::TcpBind | SocketAddrUse::TcpListen => Use::TcpBind,
        SocketAddrUse::UdpBind => Use::UdpBind,
        SocketAddrUse::UdpSend | SocketAddrUse::UdpReceive => Use::UdpSend,
    };
    allow_socket(instance, purpose, &address.to_string())
}

/// wasi:sockets/ip-name-lookup with a question per name, over the sockets' own implementation.
pub struct Lookup<'a> {
    sockets: WasiSocketsCtxView<'a>,
    instance: Option<Arc<Instance>>,
}

struct HasLookup;

impl HasData for HasLookup {
    type Data<'a> = Lookup<'a>;
}

pub fn add_lookup(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    lookup::add_to_linker::<State, HasLookup>(linker, |state| {
        let instance = state.hooks.0.clone();
        Lookup { sockets: state.sockets(), instance }
    })
}

impl network::Host for Lookup<'_> {
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

impl network::HostNetwork for Lookup<'_> {
    fn drop(&mut self, network: Resource<Network>) -> wasmtime::Result<()> {
        network::HostNetwork::drop(&mut self.sockets, network)
    }
}

impl lookup::Host for Lookup<'_> {
    fn resolve_addresses(
        &mut self,
        network: Resource<Network>,
        name: String,
    ) -> SocketResult<Resource<lookup::ResolveAddressStream>> {
        let allowed = |instance| allow_socket(instance, Use::Resolve, &name);
        if !self.instance.as_deref().is_some_and(allowed) {
            return Err(ErrorCode::AccessDenied.into());
        }
        lookup::Host::resolve_addresses(&mut self.sockets, network, name)
    }
}

impl lookup::HostResolveAddressStream for Lookup<'_> {
    fn resolve_next_address(
        &mut self,
        stream: Resource<lookup::ResolveAddressStream>,
    ) -> SocketResult<Option<IpAddress>> {
        self.sockets.resolve_next_address(stream)
    }

    fn subscribe(
        &mut self,
        stream: Resource<lookup::ResolveAddressStream>,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        self.sockets.subscribe(stream)
    }

    fn drop(&mut self, stream: Resource<lookup::ResolveAddressStream>) -> wasmtime::Result<()> {
        lookup::HostResolveAddressStream::drop(&mut self.sockets, stream)
    }
}
