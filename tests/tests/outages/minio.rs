//! MinIO.

use anyhow::{Context as _, Result, ensure};
use pappus_tests::{Disk, Function, Home, Service, Trained, eventually, pictures};

use crate::standing::{images, is_wanted, standing_on};
use crate::{crash, slow};

/// Whether what it holds outlives it. Where Go is not there something else stands in for it, which forgets.
fn lasts(minio: &Service) -> bool {
    let lasts = minio.setting("PAPPUS_S3_SERVER").is_err();
    if !lasts {
        eprintln!("skipped: what stands in for MinIO here has its objects in memory");
    }
    lasts
}

const NAMES: &str = "at http://127.0.0.1:";

#[test]
fn an_ingest_and_a_training_outlive_a_crash_of_minio() -> Result<()> {
    let Some((mut minio, home)) = standing_on("minio")?.filter(|(minio, _)| lasts(minio)) else { return Ok(()) };
    let another = Home::new()?.on(&minio);
    crash::ingest_and_training(&home, &another, &mut minio, &[NAMES])
}

#[test]
fn a_release_is_followed_when_minio_is_back() -> Result<()> {
    let Some((mut minio, home)) = standing_on("minio")?.filter(|(minio, _)| lasts(minio)) else { return Ok(()) };
    let Some(trained) = Trained::copy()? else { return Ok(()) };
    home.take_over(&trained)?;
    let predict = Function::start(&home, "predict", &[])?;
    let answers = |version: &str| -> Result<Option<()>> {
        Ok((predict.get("/model/info")?.text("model_version") == version).then_some(()))
    };
    eventually("the champion answers", || answers(&trained.second))?;
    minio.kill()?;
    let refusal = home.refusal(1, &["promote", "--force", &trained.first])?;
    assert!(refusal.contains("PAPPUS_OBJECTS cannot be used: the object store s3://pappus/ at http"), "{refusal}");
    // Whoever has another store changes the release all the same.
    home.beside()?.with("PAPPUS_OBJECTS", "memory:").json(&["promote", "--force", &trained.first])?;
    let health = eventually("the release cannot be followed", || {
        let health = predict.get("/health")?.expect(200)?;
        Ok(health.text("detail").contains(&trained.first).then_some(health))
    })?;
    assert_eq!((health.text("status"), health.text("model_version")), ("degraded", trained.second.as_str()));
    assert!(health.text("detail").contains("cannot be reached"), "{}", health.body);
    predict.post("/predict", "image/jpeg", &std::fs::read(&trained.pictures()?[0])?)?.expect(200)?;
    minio.start_with(&[])?;
    eventually("the release is followed", || answers(&trained.first)).with_context(|| predict.log())?;
    assert_eq!(predict.get("/health")?.text("status"), "healthy");
    predict.stop()?;
    Ok(())
}

#[test]
fn an_ingest_goes_on_once_there_is_space_for_minio_again() -> Result<()> {
    const IMAGES: u32 = 300;
    if !is_wanted("minio") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let Some(disk) = Disk::mount(folder.path(), "4m")? else { return Ok(()) };
    let Some(minio) = Service::start("minio", &[("PAPPUS_MINIO_DATA", folder.path())])? else { return Ok(()) };
    if !lasts(&minio) {
        return Ok(());
    }
    let home = Home::new()?.on(&minio);
    pictures::noise(&home, "photos", "moss", IMAGES)?;
    let refusal = home.refusal(1, &["ingest", "photos"])?;
    ensure!(refusal.contains("there is no space left for object `images/"), "{refusal}");
    ensure!(refusal.contains("run the same command again to go on"), "{refusal}");
    disk.grow("64m")?;
    let before = images(&home)?;
    ensure!(before > 0 && before < u64::from(IMAGES), "{before}");
    let taken = home.json(&["ingest", "photos"])?;
    assert_eq!((&taken["seen"], &taken["quarantined"]), (&IMAGES.into(), &0.into()), "{taken}");
    assert_eq!(images(&home)?, u64::from(IMAGES));
    let again = home.run(&["ingest", "photos", "--json"])?.expect(0)?;
    assert_eq!((&again.json()?["duplicates"], again.stderr.as_str()), (&IMAGES.into(), ""), "each is there, whole");
    drop(minio);
    Ok(())
}

#[test]
fn work_ends_well_on_a_slow_minio() -> Result<()> {
    let Some((minio, home)) = standing_on("minio")? else { return Ok(()) };
    let Some(trained) = Trained::copy()? else { return Ok(()) };
    slow::work(&home, &trained, "PAPPUS_OBJECTS", minio.setting("PAPPUS_OBJECTS")?)
}
