//! A wasi:http service made with wstd: the same service as python/web.py and js/web.js.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_lite::stream;
use wstd::http::{Body, Client, Error, HeaderMap, Request, Response, StatusCode};

static VISITS: AtomicU32 = AtomicU32::new(0); // of this instance; a fresh one has had none

#[wstd::http_server]
async fn main(request: Request<Body>) -> Result<Response<Body>, Error> {
    let query = parse_query(request.uri().query().unwrap_or(""));
    match request.uri().path() {
        "/hello" => text(StatusCode::OK, "hello from rust\n"),
        "/visits" => {
            let visits = VISITS.fetch_add(1, Ordering::Relaxed) + 1;
            text(StatusCode::OK, format!("visit {visits}\n"))
        }
        "/echo" => text(StatusCode::OK, request.into_body()),
        "/count" => count(value(&query, "n")?.parse()?),
        "/header" => text(StatusCode::OK, header(request.headers(), value(&query, "name")?) + "\n"),
        "/fetch" => {
            let path = query.get("path").map_or("/", String::as_str);
            fetch(value(&query, "authority")?, path).await
        }
        "/trap" => panic!("the guest gives up"),
        "/spin" => loop {
            std::hint::spin_loop();
        },
        _ => text(StatusCode::NOT_FOUND, "no such path\n"),
    }
}

fn parse_query(query: &str) -> HashMap<String, String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.into(), value.into())).collect()
}

fn value<'a>(query: &'a HashMap<String, String>, name: &str) -> Result<&'a str, Error> {
    query.get(name).map(String::as_str).ok_or_else(|| anyhow::anyhow!("no {name} in the query"))
}

fn text(status: StatusCode, body: impl Into<Body>) -> Result<Response<Body>, Error> {
    let response = Response::builder().status(status).header("content-type", "text/plain");
    Ok(response.body(body.into())?)
}

fn count(lines: u32) -> Result<Response<Body>, Error> {
    let lines = (0..lines).map(|line| Ok::<_, Infallible>(format!("line {line}\n")));
    text(StatusCode::OK, Body::from_try_stream(stream::iter(lines)))
}

fn header(headers: &HeaderMap, name: &str) -> String {
    let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    values.collect::<Vec<_>>().join(",")
}

async fn fetch(authority: &str, path: &str) -> Result<Response<Body>, Error> {
    let request = Request::get(format!("http://{authority}{path}")).body(Body::empty())?;
    match Client::new().send(request).await {
        Ok(response) => text(response.status(), response.into_body()),
        Err(error) => text(StatusCode::BAD_GATEWAY, format!("{error}\n")),
    }
}
