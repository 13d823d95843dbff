//! A disk that fills up in the middle of an ingest.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};
use pappus_tests::{Home, pictures};

const IMAGES: u32 = 200;

/// A small disk, in memory; gone when dropped.
struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    /// None where this user may not mount one, which is said.
    fn mount(at: &'a Path, size: &str) -> Result<Option<Self>> {
        std::fs::create_dir_all(at)?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "pappus-test"]).arg(at);
        match mount.stderr(Stdio::null()).status() {
            Ok(status) if status.success() => Ok(Some(Self(at))),
            _ => {
                eprintln!("skipped: a small disk cannot be mounted here, which takes root");
                Ok(None)
            }
        }
    }

    fn grow(&self, size: &str) -> Result<()> {
        let grown = Command::new("mount").args(["-o", &format!("remount,size={size}")]).arg(self.0).status()?;
        ensure!(grown.success(), "the disk cannot be made larger");
        Ok(())
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        // It may have been taken away already.
        let _ = Command::new("umount").arg(self.0).status();
    }
}

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
