//! Milliseconds from exec to the first answer.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::program::{Program, photographs};

/// A pause between two tries to connect, far below what is measured.
const TRY_AGAIN: Duration = Duration::from_micros(500);

pub(crate) fn measure(program: &Program, data: &Path, backbone: &Path, times: usize) -> Result<()> {
    let work = tempfile::tempdir()?;
    let home = work.path().join("home");
    program.released(&home, data, backbone)?;
    let image = std::fs::read(&photographs(data)?[0])?;
    let mut took = Vec::with_capacity(times);
    for _ in 0..times {
        took.push(once(program, &home, &image)?.as_secs_f64() * 1000.0);
    }
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took[((took.len() - 1) as f64 * share).round() as usize];
    println!(
        "exec → first answer of `pappus up`, {times} times: least {:.0} ms, median {:.0} ms, 90th percentile {:.0} ms",
        at(0.0),
        at(0.5),
        at(0.9)
    );
    Ok(())
}

fn once(program: &Program, home: &Path, image: &[u8]) -> Result<Duration> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let begun = Instant::now();
    let mut child = program.command(home, &["up", "--port", &port.to_string()]).stderr(Stdio::null()).spawn()?;
    let answer = ask(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), image, begun + Duration::from_secs(30));
    let took = begun.elapsed();
    child.kill()?;
    child.wait()?;
    let answer = answer?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "the first answer was {answer}");
    Ok(took)
}

fn ask(address: SocketAddr, image: &[u8], deadline: Instant) -> Result<String> {
    let mut stream = loop {
        match TcpStream::connect(address) {
            Ok(stream) => break stream,
            Err(error) if Instant::now() > deadline => return Err(error.into()),
            Err(_) => std::thread::sleep(TRY_AGAIN),
        }
    };
    let head = format!(
        "POST /predict HTTP/1.1\r\nhost: {address}\r\ncontent-type: image/jpeg\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        image.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(image)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
