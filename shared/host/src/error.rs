//! Why a function cannot start or be hosted.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Why a function cannot start or be hosted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is wrong.
    #[error("{variable} is `{value}`: it may be {allowed}")]
    Setting {
        /// The environment variable.
        variable: &'static str,
        /// What it held.
        value: String,
        /// What it may hold.
        allowed: &'static str,
    },
    /// The object store cannot be opened.
    #[error("PAPPUS_OBJECTS cannot be used")]
    Objects(#[from] pappus_objects::Error),
    /// The catalog cannot be opened.
    #[error("PAPPUS_CATALOG cannot be used")]
    Catalog(#[from] pappus_catalog::Error),
    /// A neighbour has not said anything in the time that there is for a start.
    #[error("a server that PAPPUS_OBJECTS or PAPPUS_CATALOG names has not answered within {} seconds", .0.as_secs())]
    NoAnswer(Duration),
    /// The policy cannot be read.
    #[error("PAPPUS_POLICY cannot be used: {}: {why}", .path.display())]
    Policy {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        why: String,
    },
    /// The keys of callers cannot be read.
    #[error("PAPPUS_API_KEYS cannot be used: {0}")]
    Keys(String),
    /// AWS Lambda hosts it, and it was built without that.
    #[error(
        "AWS_LAMBDA_RUNTIME_API is set, and this build cannot be hosted by AWS Lambda: build with the feature `aws`"
    )]
    NoLambda,
    /// AWS Lambda's runtime failed.
    #[error("the runtime of AWS Lambda failed")]
    Lambda(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Logging cannot begin.
    #[error(transparent)]
    Logs(#[from] pappus_telemetry::LogError),
    /// Somebody else listens there.
    #[error("port {} of {} is taken: stop the other program or choose another port", .0.port(), .0.ip())]
    PortTaken(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The operating system would not say when to stop.
    #[error("cannot wait for signals")]
    Signals(#[source] std::io::Error),
}

impl Error {
    /// Whether the user can mend it by other settings.
    pub const fn is_setting(&self) -> bool {
        use pappus_catalog::Error as Catalog;
        use pappus_objects::Error as Objects;
        match self {
            Self::Setting { .. } | Self::Policy { .. } | Self::Keys(_) | Self::Logs(_) | Self::NoLambda => true,
            Self::Objects(error) => matches!(
                error,
                Objects::BadUrl { .. }
                    | Objects::Credentials { .. }
                    | Objects::NoBucket { .. }
                    | Objects::PermissionDenied { .. }
                    | Objects::Unexpected { .. }
                    | Objects::WrongRegion { .. }
            ),
            Self::Catalog(error) => matches!(
                error,
                Catalog::BadUrl { .. }
                    | Catalog::CannotOpen { .. }
                    | Catalog::Credentials { .. }
                    | Catalog::Foreign(_)
                    | Catalog::ForeignTable { .. }
                    | Catalog::NewerSchema { .. }
                    | Catalog::NoDatabase(_)
                    | Catalog::Occupied { .. }
                    | Catalog::PermissionDenied(_)
            ),
            Self::NoAnswer(_) | Self::PortTaken(_) | Self::Listen { .. } | Self::Signals(_) | Self::Lambda(_) => false,
        }
    }
}
