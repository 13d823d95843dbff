//! Why a command did not do what it was asked, and the exit code that says so.

use pappus_host::Failure;

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// It failed.
    #[error("{0}")]
    Failed(Failure),
    /// It did its work, and what it found is a failure: an image that is refused, a verdict that is no.
    #[error("{0}")]
    Found(String),
    /// What was asked, or a setting, is wrong.
    #[error("{0}")]
    Usage(String),
    /// Ctrl-C, or SIGTERM.
    #[error("stopped; run the same command again to go on")]
    Interrupted,
}

impl Trouble {
    /// 1: failed; 2: wrong usage or settings.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Failed(_) | Self::Found(_) | Self::Interrupted => 1,
            Self::Usage(_) => 2,
        }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

macro_rules! failures {
    ($($error:ty),* $(,)?) => {
        $(impl From<$error> for Trouble {
            fn from(error: $error) -> Self {
                Self::Failed(error.into())
            }
        })*
    };
}

failures!(
    pappus_catalog::Error,
    pappus_objects::Error,
    pappus_ingest::Error,
    pappus_train_trigger::Error,
    pappus_train::Error,
    pappus_evaluate::Error,
    pappus_promote::Error,
    pappus_predict::Error,
    pappus_notify::Error,
);

/// A host's error: a setting, or a failure.
pub(crate) fn of_host(error: pappus_host::Error) -> Trouble {
    let is_setting = error.is_setting();
    let failure = Failure::from_error(error);
    if is_setting { Trouble::Usage(failure.to_string()) } else { Trouble::Failed(failure) }
}
