//! Milliseconds from exec to the first answer: of all functions in one process, and of each on both hosts.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use pappus_host::RuntimeApi;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::program::{Program, photographs};

/// A pause between two tries to connect, far below what is measured.
const TRY_AGAIN: Duration = Duration::from_micros(500);
/// How long a start may take before it counts as none.
const PATIENCE: Duration = Duration::from_secs(30);
const FUNCTIONS: [&str; 6] = ["predict", "ingest", "train-trigger", "train", "evaluate", "promote"];

pub(crate) fn measure(program: &Program, data: &Path, backbone: &Path, times: usize) -> Result<()> {
    let work = tempfile::tempdir()?;
    let home = work.path().join("home");
    program.released(&home, data, backbone)?;
    let image = std::fs::read(&photographs(data)?[0])?;
    let predict = [b"POST /predict", &image[..]];
    let live: [&[u8]; 2] = [b"GET /health/live", b""];
    println!("| from exec | median | 90th percentile |\n|---|---|---|");
    let up = || once(program.command(&home, &["up", "--port"]), true, predict);
    print("all functions in one process, to the first answer of POST /predict", times, up)?;
    for name in FUNCTIONS {
        let function = || -> Result<Command> {
            let mut command = Command::new(program.beside(&format!("pappus-{name}"))?);
            command.env("PAPPUS_HOME", &home);
            Ok(command)
        };
        let asked = if name == "predict" { predict } else { live };
        let what = String::from_utf8_lossy(asked[0]).into_owned();
        print(&format!("{name}, HTTP host, to the first answer of {what}"), times, || once(function()?, false, asked))?;
        print(&format!("{name}, Lambda host, until it asks for the first invocation (init)"), times, || {
            init(function()?)
        })?;
    }
    Ok(())
}

fn print(what: &str, times: usize, mut once: impl FnMut() -> Result<Duration>) -> Result<()> {
    let mut took = (0..times).map(|_| Ok(once()?.as_secs_f64() * 1000.0)).collect::<Result<Vec<f64>>>()?;
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took[((took.len() - 1) as f64 * share).round() as usize];
    println!("| {what} | {:.0} ms | {:.0} ms |", at(0.5), at(0.9));
    Ok(())
}

/// A server on a free port, until its first answer. `last` says that the port is its last argument.
fn once(mut command: Command, last: bool, request: [&[u8]; 2]) -> Result<Duration> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    if last {
        command.arg(port.to_string());
    }
    let begun = Instant::now();
    let mut child = command.env("PORT", port.to_string()).stderr(Stdio::null()).spawn()?;
    let answer = ask(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), request, begun + PATIENCE);
    let took = begun.elapsed();
    child.kill()?;
    child.wait()?;
    let answer = answer?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "the first answer was {answer}");
    Ok(took)
}

fn ask(address: SocketAddr, [line, body]: [&[u8]; 2], deadline: Instant) -> Result<String> {
    let mut stream = loop {
        match TcpStream::connect(address) {
            Ok(stream) => break stream,
            Err(error) if Instant::now() > deadline => return Err(error.into()),
            Err(_) => std::thread::sleep(TRY_AGAIN),
        }
    };
    let headers = format!(
        " HTTP/1.1\r\nhost: {address}\r\ncontent-type: image/jpeg\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(&[line, headers.as_bytes(), body].concat())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// A function on Lambda, until it asks for its first invocation: what Lambda calls the init duration.
fn init(mut command: Command) -> Result<Duration> {
    let runtime = Runtime::new()?;
    let api = runtime.block_on(RuntimeApi::start())?;
    command.envs(api.variables("bench")).stderr(Stdio::null());
    let begun = Instant::now();
    let mut child = command.spawn()?;
    let asked = runtime.block_on(async { timeout(PATIENCE, api.asked()).await });
    let took = begun.elapsed();
    child.kill()?;
    child.wait()?;
    asked.context("the function did not ask for an invocation")?;
    Ok(took)
}
