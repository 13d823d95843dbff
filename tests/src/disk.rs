//! A small disk.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

/// A small disk, in memory; gone when dropped.
#[derive(Debug)]
pub struct Disk {
    at: PathBuf,
}

impl Disk {
    /// Mounts one of a size such as `2m` at a folder. None where this user may not, which is said.
    ///
    /// # Errors
    /// Where there can be no such folder.
    pub fn mount(at: &Path, size: &str) -> Result<Option<Self>> {
        std::fs::create_dir_all(at)?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "pappus-test"]).arg(at);
        match mount.stderr(Stdio::null()).status() {
            Ok(status) if status.success() => Ok(Some(Self { at: at.into() })),
            _ => {
                eprintln!("skipped: a small disk cannot be mounted here, which takes root");
                Ok(None)
            }
        }
    }

    /// Makes it larger.
    ///
    /// # Errors
    /// Where that cannot be done.
    pub fn grow(&self, size: &str) -> Result<()> {
        let grown = Command::new("mount").args(["-o", &format!("remount,size={size}")]).arg(&self.at).status()?;
        ensure!(grown.success(), "the disk cannot be made larger");
        Ok(())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // It may have been taken away already.
        let _ = Command::new("umount").arg(&self.at).status();
    }
}
