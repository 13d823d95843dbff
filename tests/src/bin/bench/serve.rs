//! Answers a second over HTTP, beside the same decoding, resizing and inference in a bare loop, in one run.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use pappus_inference::{Limits, Network, PROBABILITIES, Runtime, decode, resize};

use crate::program::{Program, photographs};

/// Photographs that are asked about, in turn.
const IMAGES: usize = 64;

pub(crate) fn measure(program: &Program, data: &Path, backbone: &Path, seconds: u64) -> Result<()> {
    let work = tempfile::tempdir()?;
    let home = work.path().join("home");
    program.released(&home, data, backbone)?;
    let paths = photographs(data)?;
    let step = (paths.len() / IMAGES).max(1);
    let images: Vec<Vec<u8>> = paths.iter().step_by(step).take(IMAGES).map(std::fs::read).collect::<Result<_, _>>()?;
    let onnx = model(&home)?;
    let length = Duration::from_secs(seconds);
    println!("| what | at once | answers/s | median | 99th percentile |\n|---|---|---|---|---|");
    for at_once in [1, 2] {
        let runtime = Runtime::load()?;
        let loads = (0..at_once).map(|_| Network::load(&runtime, &onnx)).collect::<Result<Vec<_>, _>>()?;
        print("bare loop", at_once, &bare(loads, &images, length)?, length);
    }
    let up = program.up(&home)?;
    for at_once in [1, 2, 8, 64] {
        print("pappus up", at_once, &over_http(&up.address.to_string(), &images, at_once, length)?, length);
    }
    println!(
        "resident after that: {:.0} MiB; network {:.1} MiB",
        up.resident_mib().unwrap_or(f64::NAN),
        onnx.len() as f64 / 1_048_576.0
    );
    Ok(())
}

fn model(home: &Path) -> Result<Vec<u8>> {
    let versions = home.join("objects/models/classifier");
    let version = std::fs::read_dir(versions)?.next().context("no model")??;
    Ok(std::fs::read(version.path().join("model.onnx"))?)
}

fn bare(networks: Vec<Network>, images: &[Vec<u8>], length: Duration) -> Result<Vec<f64>> {
    let answer = |network: &mut Network, image: &[u8]| -> Result<()> {
        let pixels = decode(image, &Limits::default())?;
        let input = resize(&pixels, network.width(), network.height())?;
        network.run(&input, 1, PROBABILITIES)?;
        Ok(())
    };
    workers(networks, images, length, answer)
}

fn over_http(address: &str, images: &[Vec<u8>], at_once: usize, length: Duration) -> Result<Vec<f64>> {
    let agents: Vec<ureq::Agent> = (0..at_once).map(|_| ureq::Agent::new_with_defaults()).collect();
    let url = format!("http://{address}/predict");
    workers(agents, images, length, |agent, image| {
        agent.post(&url).header("content-type", "image/jpeg").send(image)?.body_mut().read_to_vec()?;
        Ok(())
    })
}

/// Lets every worker answer one image after another for a while; the milliseconds that each answer took.
fn workers<W: Send>(
    workers: Vec<W>,
    images: &[Vec<u8>],
    length: Duration,
    answer: impl Fn(&mut W, &[u8]) -> Result<()> + Sync,
) -> Result<Vec<f64>> {
    let (next, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let running: Vec<_> = workers
            .into_iter()
            .map(|mut worker| {
                let (next, over, answer) = (&next, &over, &answer);
                scope.spawn(move || {
                    let mut took = Vec::new();
                    while !over.load(Ordering::Relaxed) && begun.elapsed() < length {
                        let image = &images[next.fetch_add(1, Ordering::Relaxed) % images.len()];
                        let asked = Instant::now();
                        if let Err(error) = answer(&mut worker, image) {
                            over.store(true, Ordering::Relaxed);
                            return Err(error);
                        }
                        took.push(asked.elapsed().as_secs_f64() * 1000.0);
                    }
                    Ok(took)
                })
            })
            .collect();
        let mut all = Vec::new();
        for worker in running {
            all.extend(worker.join().ok().context("a worker is gone")??);
        }
        Ok(all)
    })
}

fn print(what: &str, at_once: usize, took: &[f64], length: Duration) {
    let mut sorted = took.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted.get(((sorted.len().max(1) - 1) as f64 * share) as usize).copied().unwrap_or(f64::NAN);
    let rate = took.len() as f64 / length.as_secs_f64();
    println!("| {what} | {at_once} | {rate:.0} | {:.1} ms | {:.1} ms |", at(0.5), at(0.99));
}
