//! A command for wasm32-wasip1: the same command as c/tool.c, go/tool and python/tool.py.

use std::io::{self, BufRead, Write};
use std::{env, fs, process, thread, time::Duration};

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    let Some((what, rest)) = args.split_first() else {
        println!("hello from rust");
        return;
    };
    if let Err(error) = run(what, rest) {
        eprintln!("{error}");
        process::exit(1);
    }
}

fn run(what: &str, args: &[String]) -> io::Result<()> {
    match (what, args) {
        ("args", _) => args.iter().for_each(|arg| println!("<{arg}>")),
        ("env", [name]) => println!("{}", env::var(name).unwrap_or("unset".into())),
        ("environ", _) => env::vars().for_each(|(name, value)| println!("{name}={value}")),
        ("cat", [path]) => io::stdout().write_all(&fs::read(path)?)?,
        ("write", [path, text]) => fs::write(path, text)?,
        ("ls", [path]) => {
            for entry in fs::read_dir(path)? {
                println!("{}", entry?.file_name().display());
            }
        }
        ("upper", _) => {
            for line in io::stdin().lock().lines() {
                println!("{}", line?.to_uppercase());
            }
        }
        ("exit", [code]) => process::exit(code.parse().map_err(io::Error::other)?),
        ("flood", _) => loop {
            io::stdout().write_all(&[b'x'; 64 * 1024])?;
        },
        ("spin", _) => loop {
            std::hint::spin_loop();
        },
        ("sleep", _) => thread::sleep(Duration::from_secs(3600)),
        ("hog", _) => hog()?,
        ("deep", _) => println!("{}", deep(1 << 30)),
        ("panic", _) => panic!("the guest gives up"),
        ("wild", _) => wild(),
        _ => return Err(io::Error::other(format!("unknown: {what}"))),
    }
    Ok(())
}

fn hog() -> io::Result<()> {
    const BLOCK: usize = 16 << 20;
    let mut hoard = Vec::new();
    loop {
        let mut block = Vec::new();
        block.try_reserve_exact(BLOCK)?;
        block.resize(BLOCK, 1u8);
        hoard.push(std::hint::black_box(block));
    }
}

fn deep(n: u64) -> u64 {
    let frame = std::hint::black_box([n; 512]);
    if n == 0 { 0 } else { deep(n - 1) + frame[0] % 3 }
}

fn wild() {
    // SAFETY: none; a guest may do this, and the host has to end it.
    unsafe { std::ptr::without_provenance::<u8>(0xffff_fff0).read_volatile() };
}
