//! Who may change things by asking over HTTP.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::{Extension, Router};

use crate::disposition::{Disposition, Failure};

/// Whoever asks, where they may change things: an argument of every handler that lets somebody do so. On a host that
/// does not know its callers nobody is one, and is told so.
#[derive(Clone, Copy, Debug)]
pub struct Operator(());

impl Operator {
    /// The same routes, for callers who all are operators: for a server that nobody else can reach.
    pub fn everybody(router: Router) -> Router {
        router.layer(Extension(Self(())))
    }
}

impl<S: Sync> FromRequestParts<S> for Operator {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        parts.extensions.get().copied().ok_or_else(|| {
            let (method, path) = (&parts.method, parts.uri.path());
            let what = format!(
                "{method} {path} is for operators, and who is one is not known here: `pappus up` answers it, which only \
                 its own machine can reach"
            );
            Failure::new(Disposition::Forbidden, what)
        })
    }
}
