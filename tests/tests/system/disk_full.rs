//! A disk that fills up in the middle of an ingest.

use anyhow::Result;
use pappus_tests::{Disk, Home, pictures};

const IMAGES: u32 = 200;

#[test]
fn an_ingest_goes_on_once_there_is_space_again() -> Result<()> {
    let home = Home::new()?;
    pictures::noise(&home, "photos", "moss", IMAGES)?;
    let path = home.path();
    let Some(disk) = Disk::mount(&path, "1500k")? else { return Ok(()) };
    let refusal = home.refusal(1, &["ingest", "photos"])?;
    assert!(refusal.contains("no space left") && refusal.contains("run the same command again"), "{refusal}");
    let (stored, _) = home.check_objects()?;
    assert!(stored > 0 && stored < IMAGES as usize, "{stored}");

    disk.grow("64m")?;
    let taken = home.json(&["ingest", "photos"])?;
    assert_eq!((taken["seen"].as_u64(), taken["quarantined"].as_u64()), (Some(200), Some(0)), "{taken}");
    assert_eq!(home.json(&["status"])?["images"]["stored"], IMAGES);
    assert_eq!(home.check_objects()?.0, IMAGES as usize);
    assert!(home.objects(".tmp")?.is_empty());
    Ok(())
}
