//! Where people are told what happened.

use std::fmt;
use std::net::IpAddr;

use url::Url;

use crate::error::Error;

const WEBHOOK: &str = "the http or https URL of a webhook that takes what Slack's take";
const EMAIL: &str = "`smtp://USER@HOST:PORT?from=ADDRESS&to=ADDRESS&to=…` (with STARTTLS, unless `tls=none` is given) or \
                     `smtps://…`; the password is in PAPPUS_SMTP_PASSWORD";

/// Where people are told what happened: nowhere, unless something is named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notify {
    /// `PAPPUS_NOTIFY_WEBHOOK`.
    pub webhook: Option<Webhook>,
    /// `PAPPUS_NOTIFY_EMAIL`, with `PAPPUS_SMTP_PASSWORD`.
    pub email: Option<Email>,
}

/// A webhook. Whoever has its URL may post to it, so no more than scheme and host is ever shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook(Url);

/// A mail server, who writes by it, and to whom. Neither user nor password is ever shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Email {
    /// The server's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the way there is kept secret.
    pub encryption: Encryption,
    /// Whom the server knows: a user and a password.
    pub login: Option<(String, String)>,
    /// Who writes.
    pub from: String,
    /// To whom; one at least.
    pub to: Vec<String>,
}

/// How the way to a mail server is kept secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// `smtps:`: TLS from the first byte on.
    Tls,
    /// `smtp:`: STARTTLS before anything is said; nothing is said where the server has none.
    StartTls,
    /// `tls=none`: not at all.
    None,
}

impl Notify {
    /// Reads the environment.
    pub(crate) fn read(get: &impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let webhook = get("PAPPUS_NOTIFY_WEBHOOK").map(|value| webhook(&value)).transpose()?;
        let email = get("PAPPUS_NOTIFY_EMAIL").map(|value| email(&value, get("PAPPUS_SMTP_PASSWORD"))).transpose()?;
        Ok(Self { webhook, email })
    }

    /// Whether anybody is to be told.
    pub const fn is_set(&self) -> bool {
        self.webhook.is_some() || self.email.is_some()
    }
}

impl Webhook {
    /// The URL, which is a secret.
    pub const fn secret(&self) -> &Url {
        &self.0
    }
}

fn webhook(value: &str) -> Result<Webhook, Error> {
    let url = Url::parse(value).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let wrong = || Error::Setting { variable: "PAPPUS_NOTIFY_WEBHOOK", value: place(value), allowed: WEBHOOK };
    url.map(Webhook).ok_or_else(wrong)
}

fn email(value: &str, password: Option<String>) -> Result<Email, Error> {
    let wrong = || Error::Setting { variable: "PAPPUS_NOTIFY_EMAIL", value: place(value), allowed: EMAIL };
    let url = Url::parse(value).map_err(|_| wrong())?;
    let email = server(&url).and_then(|email| with_query(email, &url)).ok_or_else(wrong)?;
    let is_clear = email.encryption == Encryption::None && !is_loopback(&email.host);
    if is_clear && !url.username().is_empty() {
        return Err(password_is(
            "…",
            "of no user with `tls=none`, but on this machine: everybody on the way would read it",
        ));
    }
    let login = match (user(&url).ok_or_else(wrong)?, password) {
        (None, None) => None,
        (Some(user), Some(password)) => Some((user, password)),
        (Some(_), None) => return Err(password_is("", "the password of the user in PAPPUS_NOTIFY_EMAIL")),
        (None, Some(_)) => return Err(password_is("…", "not set, unless PAPPUS_NOTIFY_EMAIL names a user")),
    };
    Ok(Email { login, ..email })
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn password_is(value: &str, allowed: &'static str) -> Error {
    Error::Setting { variable: "PAPPUS_SMTP_PASSWORD", value: value.into(), allowed }
}

/// The server that a URL names, and nothing else yet.
fn server(url: &Url) -> Option<Email> {
    let (encryption, port) = match url.scheme() {
        "smtp" => (Encryption::StartTls, 587),
        "smtps" => (Encryption::Tls, 465),
        _ => return None,
    };
    // What else may stand in a URL means nothing here; a password there would be seen.
    let is_plain = matches!(url.path(), "" | "/") && url.fragment().is_none() && url.password().is_none();
    let host = url.host_str().filter(|host| is_plain && !host.is_empty())?;
    let host = host.trim_matches(['[', ']']).to_owned();
    let port = url.port().unwrap_or(port);
    Some(Email { host, port, encryption, login: None, from: String::new(), to: Vec::new() })
}

fn user(url: &Url) -> Option<Option<String>> {
    if url.username().is_empty() {
        return Some(None);
    }
    let user = percent_encoding::percent_decode_str(url.username()).decode_utf8().ok()?;
    Some(Some(user.into_owned()))
}

fn with_query(mut email: Email, url: &Url) -> Option<Email> {
    for (key, value) in url.query_pairs() {
        match &*key {
            "from" if email.from.is_empty() && is_address(&value) => email.from = value.into_owned(),
            "to" if is_address(&value) => email.to.push(value.into_owned()),
            "tls" if value == "none" && url.scheme() == "smtp" => email.encryption = Encryption::None,
            _ => return None,
        }
    }
    (!email.from.is_empty() && !email.to.is_empty()).then_some(email)
}

/// Whether a text is an address of the kind that everybody has: no quotes, no comments, ASCII alone.
fn is_address(text: &str) -> bool {
    let Some((name, domain)) = text.rsplit_once('@') else { return false };
    let is_atom = |atom: &str| {
        !atom.is_empty() && atom.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b))
    };
    let is_label = |label: &str| {
        let is_edged = label.starts_with('-') || label.ends_with('-');
        !is_edged && (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    name.len() <= 64 && domain.len() <= 254 && name.split('.').all(is_atom) && domain.split('.').all(is_label)
}

/// As much of a URL as is no secret: its scheme and host.
fn place(value: &str) -> String {
    let url = Url::parse(value).ok();
    let place = url.as_ref().and_then(|url| Some(format!("{}://{}/…", url.scheme(), url.host_str()?)));
    place.unwrap_or_else(|| "…".into())
}

impl fmt::Display for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&place(self.0.as_str()))
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Webhook({self})")
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.encryption == Encryption::Tls { "smtps" } else { "smtp" };
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{scheme}://{open}{}{close}:{}", self.host, self.port)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { encryption, from, to, .. } = self;
        f.debug_struct("Email")
            .field("server", &self.to_string())
            .field("encryption", encryption)
            .field("from", from)
            .field("to", to)
            .finish_non_exhaustive()
    }
}
