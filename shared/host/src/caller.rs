//! Who asks over HTTP, and what they may do.
//!
//! Each request gets a [`Caller`] on its way in: from whoever reaches this machine's loopback address ([`local`]), from IAM
//! before a function URL, or by a key. What a handler needs is an argument of it: [`Operator`], [`Labeller`], [`Reader`]
//! or [`Asker`].

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::disposition::{Disposition, Failure};
use crate::keys::{Holder, Keys, Role};

/// Who the ledger says has asked, where nobody says more.
const NAMELESS: &str = "http";
/// What pages of other sites are told.
const OTHER_SITE: &str = "a page of another site is none: ask 127.0.0.1 or localhost";
/// Where a browser says from which site a request comes.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Who asks: an extension of a request.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    /// Somebody who may do anything, with the name that the host gives them.
    Trusted(Option<Arc<str>>),
    /// The holder of a key.
    Holder(Holder),
    /// Nobody that is known.
    Stranger(Stranger),
}

/// Why somebody is not known.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stranger {
    /// There are no keys.
    NoKeys,
    /// Theirs is none of those that there are, or they sent none.
    Keyless { sent: bool, guards_predictions: bool },
    /// A page of another site asks, by the browser of somebody on this machine.
    OtherSite,
}

/// Whoever may change things: an argument of every handler that lets somebody do so.
#[derive(Clone, Debug)]
pub struct Operator(Option<Arc<str>>);

/// Whoever may say what images show, and bring new ones.
#[derive(Clone, Copy, Debug)]
pub struct Labeller(());

/// Whoever may look at what happens inside. Where there are no keys that is anybody.
#[derive(Clone, Copy, Debug)]
pub struct Reader(());

/// Whoever may ask what images are: anybody, unless there are keys for that.
#[derive(Clone, Copy, Debug)]
pub struct Asker(());

impl Operator {
    /// Who it is, for the ledger.
    pub fn name(&self) -> &str {
        self.0.as_deref().unwrap_or(NAMELESS)
    }
}

/// The same routes, for a server that only this machine reaches: whoever asks may do what its user may. Pages of other sites
/// may not, which that user's browser shows and lets send requests.
pub fn local(router: Router) -> Router {
    router.layer(from_fn_with_state(Some(Caller::Trusted(None)), look_at_site))
}

/// The same for a server where this machine's callers need keys too.
pub(crate) fn local_with_keys(router: Router) -> Router {
    router.layer(from_fn_with_state(None::<Caller>, look_at_site))
}

async fn look_at_site(State(own): State<Option<Caller>>, mut request: Request, next: Next) -> Response {
    let is_own = is_of_this_machine(request.headers(), request.uri().authority());
    let caller = if is_own { own } else { Some(Caller::Stranger(Stranger::OtherSite)) };
    if let Some(caller) = caller {
        request.extensions_mut().insert(caller);
    }
    next.run(request).await
}

/// Refuses pages of other sites where nobody else is asked who they are.
pub(crate) async fn refuse_other_sites(request: Request, next: Next) -> Response {
    if !matches!(request.extensions().get(), Some(Caller::Stranger(Stranger::OtherSite))) {
        return next.run(request).await;
    }
    let what = format!("{} {} is for callers of this machine: {OTHER_SITE}", request.method(), request.uri().path());
    Failure::new(Disposition::Forbidden, what).into_response()
}

/// The same routes, whose callers are told by `keys`, unless the host knows them already.
pub(crate) fn with_keys(router: Router, keys: Option<Arc<Keys>>) -> Router {
    router.layer(from_fn_with_state(keys, know))
}

async fn know(State(keys): State<Option<Arc<Keys>>>, mut request: Request, next: Next) -> Response {
    if request.extensions().get::<Caller>().is_none() {
        let caller = Caller::by_key(keys.as_deref(), request.headers());
        request.extensions_mut().insert(caller);
    }
    next.run(request).await
}

/// Whether no page of another site asks. One under a name that was pointed to this machine names that as its host (DNS
/// rebinding); others say where they are from, or the browser does. Whoever says nothing of the kind is no browser.
fn is_of_this_machine(headers: &HeaderMap, authority: Option<&Authority>) -> bool {
    let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or_default());
    let host = text(header::HOST).or(authority.map(Authority::as_str));
    let is_own_page = |origin: &str| origin.split_once("://").is_some_and(|(_, page)| host == Some(page));
    let is_own_fetch = |site: &str| matches!(site, "same-origin" | "none");
    host.is_none_or(is_loopback)
        && text(header::ORIGIN).is_none_or(is_own_page)
        && text(SEC_FETCH_SITE).is_none_or(is_own_fetch)
}

fn is_loopback(host: &str) -> bool {
    // The port is behind the last colon, but those of an address in brackets are its own.
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    // The last is what Docker calls the machine that it runs on, for containers: nobody can point it elsewhere.
    matches!(name, "localhost" | "127.0.0.1" | "[::1]" | "host.docker.internal")
}

impl Caller {
    fn by_key(keys: Option<&Keys>, headers: &HeaderMap) -> Self {
        let Some(keys) = keys else { return Self::Stranger(Stranger::NoKeys) };
        let sent = key(headers);
        match sent.as_deref().and_then(|key| keys.holder(key)) {
            Some(holder) => Self::Holder(holder.clone()),
            None => {
                Self::Stranger(Stranger::Keyless { sent: sent.is_some(), guards_predictions: keys.guard_predictions() })
            }
        }
    }
}

/// `authorization: Bearer KEY`, or the password of `Basic`, which every tool can send.
fn key(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = value.split_once(' ')?;
    let credentials = credentials.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(credentials.into());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
    pair.split_once(':').map(|(_, password)| password.to_owned())
}

/// Who asks, if they have a role.
fn with_role(parts: &Parts, role: Role) -> Result<Option<Arc<str>>, Failure> {
    let refused = |disposition, why: &str| {
        let (method, path, those) = (&parts.method, parts.uri.path(), role.those());
        Err(Failure::new(disposition, format!("{method} {path} is for {those}: {why}")))
    };
    match parts.extensions.get() {
        Some(Caller::Trusted(name)) => Ok(name.clone()),
        Some(Caller::Holder(holder)) if holder.role >= role => Ok(Some(holder.name.clone())),
        Some(Caller::Holder(holder)) => {
            refused(Disposition::Forbidden, &format!("the key of {} is one to `{}`", holder.name, holder.role))
        }
        Some(Caller::Stranger(Stranger::Keyless { sent: true, .. })) => {
            refused(Disposition::Unauthorized, "this key is none of those that PAPPUS_API_KEYS lists")
        }
        Some(Caller::Stranger(Stranger::Keyless { sent: false, .. })) => {
            refused(Disposition::Unauthorized, "send a key, as `authorization: Bearer KEY`")
        }
        Some(Caller::Stranger(Stranger::OtherSite)) => refused(Disposition::Forbidden, OTHER_SITE),
        Some(Caller::Stranger(Stranger::NoKeys)) | None => refused(
            Disposition::Forbidden,
            "who is one is not known here: set PAPPUS_API_KEYS, or ask `pappus up`, which only its own machine can reach",
        ),
    }
}

impl<S: Sync> FromRequestParts<S> for Operator {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        with_role(parts, Role::Operate).map(Self)
    }
}

impl<S: Sync> FromRequestParts<S> for Labeller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        with_role(parts, Role::Label).map(|_| Self(()))
    }
}

impl<S: Sync> FromRequestParts<S> for Reader {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        match parts.extensions.get() {
            Some(Caller::Stranger(Stranger::NoKeys)) | None => Ok(Self(())),
            _ => with_role(parts, Role::Label).map(|_| Self(())),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Asker {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        match parts.extensions.get() {
            Some(Caller::Stranger(Stranger::OtherSite | Stranger::Keyless { guards_predictions: true, .. })) => {
                with_role(parts, Role::Predict).map(|_| Self(()))
            }
            _ => Ok(Self(())),
        }
    }
}
