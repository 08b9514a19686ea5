//! nn-sockets ADDRESS CONNECTIONS: listens there, says where, and sends back what each of so many
//! connections sends until it is closed. `nn-sockets dial ADDRESS TEXT` is the other side.

use std::env;
use std::error::Error;
use std::io::{self, Read, Write};

use wasmedge_wasi_socket::{Shutdown, TcpListener, TcpStream};

fn main() -> Result<(), Box<dyn Error>> {
    let args = env::args().collect::<Vec<_>>();
    match &args[1..] {
        [dial, address, text] if dial == "dial" => Ok(say(address, text)?),
        [address, connections] => Ok(echo(address, connections.parse()?)?),
        _ => Err("nn-sockets ADDRESS CONNECTIONS | nn-sockets dial ADDRESS TEXT".into()),
    }
}

fn echo(address: &str, connections: usize) -> io::Result<()> {
    let listener = TcpListener::bind(address, false)?;
    println!("listening on {}", listener.local_addr()?);
    io::stdout().flush()?;
    for _ in 0..connections {
        let (mut stream, peer) = listener.accept(false)?;
        let mut block = [0u8; 4096];
        let mut bytes = 0;
        loop {
            let length = stream.read(&mut block)?;
            if length == 0 {
                break;
            }
            stream.write_all(&block[..length])?;
            bytes += length;
        }
        println!("{bytes} bytes for {}", peer.ip());
    }
    Ok(())
}

fn say(address: &str, text: &str) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(text.as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    println!("{answer}");
    Ok(())
}
