//! `pappus migrate`: a whole home, objects and catalog, copied to another and proved to be the same.

mod home;
mod keys;
mod objects;
mod place;
mod records;

use serde::Serialize;

use self::home::Home;
use self::objects::Objects;
use self::place::Place;
use self::records::Moved;
use crate::cli;
use crate::output::{Output, table};
use crate::session::unless_interrupted;
use crate::trouble::Trouble;

/// What was moved.
#[derive(Serialize)]
struct Report {
    from: String,
    to: String,
    objects: Objects,
    records: Vec<Moved>,
}

pub(crate) async fn run(options: cli::Migrate, output: Output) -> Result<(), Trouble> {
    let (from, to) = (Home::named(&options.from)?, Home::named(&options.to)?);
    if from.urls.absolute() == to.urls.absolute() {
        return Err(Trouble::Usage(format!("{} and {} are the same home", options.from, options.to)));
    }
    let (from, to) = (from.open_existing().await?, to.open().await?);
    let moving = async {
        let mut place = Place::find(&to.objects, &from.urls, &to.urls).await?;
        // Records first: whoever takes in an image writes its object before its record, so that every record that was
        // moved has its object by the time objects are listed. And another's home is found out before one is replaced.
        records::copy(&from, &to, &mut place, output).await?;
        let records = records::verify(&from, &to, output).await;
        if matches!(records, Err(Trouble::Found(_))) {
            // What is missing may be behind the place, where the next move would not look.
            place.forget().await?;
        }
        let records = records?;
        let objects = objects::copy(&from, &to, &mut place, output).await?;
        place.forget().await?;
        Ok((objects, records))
    };
    let moved = unless_interrupted(moving).await;
    from.catalog.close().await;
    to.catalog.close().await;
    let (objects, records) = moved?;
    let report = Report { from: options.from, to: options.to, objects, records };
    output.print(&report, || describe(&report))
}

fn describe(Report { from, to, objects, records }: &Report) -> String {
    let Objects { seen, copied, bytes } = objects;
    let rows = records.iter().map(|Moved { kind, count, .. }| [kind.as_str().to_owned(), count.to_string()]);
    let rows = table(["kind", "the same in both"], rows);
    format!(
        "{from} is in {to}\n{seen} objects the same in both, {copied} of them copied now ({:.1} MB)\n{rows}",
        *bytes as f64 / 1e6
    )
}
