//! http-server ADDRESS: an HTTP server on one thread's event loop, with WasmEdge's tokio and hyper.
//! /hello answers at once; /wait when somebody asks for /go, and /waiting says how many do; /tick after
//! a tick of the clock; POST /echo with what it got; /quit ends the program.

use std::cell::Cell;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use hyper::server::conn::Http;
use hyper::service::service_fn;
use hyper::{Body, Method, Request, Response, StatusCode};
use tokio::net::TcpListener;
use tokio::sync::Notify;

#[derive(Default)]
struct Hall {
    waiting: Cell<usize>,
    go: Notify,
}

async fn answer(hall: Rc<Hall>, request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let said = match (request.method(), request.uri().path()) {
        (&Method::GET, "/hello") => Body::from("hello\n"),
        (&Method::GET, "/wait") => {
            hall.waiting.set(hall.waiting.get() + 1);
            hall.go.notified().await;
            Body::from("at last\n")
        }
        (&Method::GET, "/waiting") => Body::from(hall.waiting.get().to_string()),
        (&Method::GET, "/go") => {
            hall.go.notify_waiters();
            Body::empty()
        }
        (&Method::GET, "/tick") => {
            tokio::time::sleep(Duration::from_millis(10)).await;
            Body::from("tick\n")
        }
        (&Method::POST, "/echo") => request.into_body(),
        (&Method::GET, "/quit") => std::process::exit(0),
        _ => {
            let mut nothing = Response::new(Body::empty());
            *nothing.status_mut() = StatusCode::NOT_FOUND;
            return Ok(nothing);
        }
    };
    Ok(Response::new(said))
}

async fn serve(address: SocketAddr) -> std::io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    println!("listening on {address}");
    let hall = Rc::new(Hall::default());
    loop {
        let (stream, _) = listener.accept().await?;
        let hall = hall.clone();
        tokio::task::spawn_local(async move {
            let service = service_fn(move |request| answer(hall.clone(), request));
            // A client that goes away half-way is no error of the server.
            let _ = Http::new().with_executor(Local).serve_connection(stream, service).await;
        });
    }
}

#[derive(Clone)]
struct Local;

impl<F: Future + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(async move { drop(future.await) });
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).ok_or("http-server ADDRESS")?.parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(tokio::task::LocalSet::new().block_on(&runtime, serve(address))?)
}

/// Where the C library has no threads, not even stubs of them: tokio names these and never calls
/// them on a runtime of one thread.
#[unsafe(no_mangle)]
extern "C" fn pthread_join(_: usize, _: usize) -> i32 {
    58
}

#[unsafe(no_mangle)]
extern "C" fn pthread_detach(_: usize) -> i32 {
    58
}
