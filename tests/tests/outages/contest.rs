//! Releases that are made at the same instant.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use pappus_tests::{Database, Home, Proxy, Trained, neighbour, place, unique};

use crate::standing::{champion, one_line, releases};

const ROUNDS: usize = 10;
/// The most rounds until somebody is beaten: on a busy machine the two may start at different times.
const MOST: usize = 60;

/// In each round two processes promote a version each that is not the champion. How many of them were told that the other
/// had won; more rounds are held until `wanted` were.
fn contest(home: &Home, versions: &[String], wanted: usize) -> Result<usize> {
    let mut beaten = 0;
    for round in 0..MOST {
        if round >= ROUNDS && beaten >= wanted {
            break;
        }
        let (before, reigning) = (releases(home)?, champion(home)?);
        let contenders: Vec<_> = versions.iter().filter(|version| **version != reigning).collect();
        let promoting = contenders
            .iter()
            .map(|version| home.start(&["promote", "--force", version]))
            .collect::<Result<Vec<_>>>()?;
        let mut winners = Vec::new();
        let mut lines = Vec::new();
        for (version, process) in contenders.into_iter().zip(promoting) {
            let ended = process.wait()?;
            if ended.code == Some(0) { winners.push(version) } else { lines.push(one_line(ended)?) }
        }
        let now = champion(home)?;
        ensure!(winners.contains(&&now), "{now} has not won: {winners:?} {lines:?}");
        assert_eq!(releases(home)?, before + winners.len() as u64, "an entry for each that won");
        for line in lines {
            ensure!(line.starts_with("the release was not changed: the release has changed meanwhile"), "{line}");
            ensure!(line.contains(&format!("found `{now}` at generation {}", before + 1)), "{line}");
            beaten += 1;
        }
    }
    Ok(beaten)
}

#[test]
fn of_two_promotes_at_the_same_instant_one_wins_and_the_other_is_told_who() -> Result<()> {
    let Some(home) = Trained::copy()? else { return Ok(()) };
    let third = home.json(&["train", "--recipe", "scratch", "--seed", "2"])?;
    let third = third["version"].as_str().context("a version")?.to_owned();
    let versions = [home.first.clone(), home.second.clone(), third];
    let mysql = neighbour("PAPPUS_TEST_MYSQL").map(|server| Database::new(&server)).transpose()?;
    let table = neighbour("PAPPUS_TEST_DYNAMODB").map(|server| place(&server, &format!("pappus-{}", unique())));
    let table = table.transpose()?;
    for url in mysql.iter().map(Database::url).chain(table) {
        let there = Home::new()?.with("PAPPUS_CATALOG", &url);
        there.take_over(&home)?;
        // So that each has read what the release is before one of them changes it.
        let proxy = Proxy::before(&url, Duration::from_millis(20))?;
        let there = there.with("PAPPUS_CATALOG", proxy.on_the_way(&url));
        let beaten = contest(&there, &versions, 1).with_context(|| url.clone())?;
        ensure!(beaten > 0, "nobody was beaten on {url}");
    }
    // SQLite is too quick to say who is beaten, if anybody is.
    contest(&home, &versions, 0).map(drop)
}
