//! `mysql://user:password@host:port/database?password-file=…&tls=…`.

use std::fmt;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use url::{Host, Url};

use crate::Error;

const WANTED: &str = "give `mysql://USER:PASSWORD@HOST:PORT/DATABASE`, or without the password \
     `mysql://USER@HOST:PORT/DATABASE?password-file=/PATH`; `tls` may be `off`, `preferred` (as without a word), `required` \
     or `verify`, and `ca=/PATH` may name the certificate to verify by";
const NO_FILE: &str = "give as `password-file` a file that can be read and holds the password, and nothing else";

/// A database of a server, and who uses it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) database: String,
    user: String,
    password: Password,
    tls: Tls,
    ca: Option<PathBuf>,
}

#[derive(Clone, PartialEq, Eq)]
enum Password {
    None,
    Given(String),
    File(PathBuf),
}

/// Whether what goes over the network is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tls {
    Off,
    /// Where the server can.
    Preferred,
    /// With whoever answers.
    Required,
    /// With nobody but the host that is named.
    Verify,
}

impl Address {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`Error::BadUrl`], with nothing of it that may be a secret.
    pub(super) fn read(text: &str) -> Result<Self, Error> {
        let url = Url::parse(text).map_err(|_| bad("mysql://…".into()))?;
        let host = match url.host() {
            Some(Host::Ipv6(address)) => address.to_string(),
            Some(host) => decode(&host.to_string()).filter(|host| !host.is_empty()).ok_or_else(|| wrong(&url))?,
            None => return Err(wrong(&url)),
        };
        let database = url.path().strip_prefix('/').and_then(decode).filter(|name| is_database(name));
        let user = decode(url.username()).filter(|user| !user.is_empty());
        let password = url.password().map(|password| decode(password).ok_or_else(|| wrong(&url))).transpose()?;
        let mut address = Self {
            host,
            port: url.port().unwrap_or(3306),
            database: database.ok_or_else(|| wrong(&url))?,
            user: user.ok_or_else(|| wrong(&url))?,
            password: password.map_or(Password::None, Password::Given),
            tls: Tls::Preferred,
            ca: None,
        };
        for (name, value) in url.query_pairs() {
            let shown = address.to_string();
            address.set(&name, &value).ok_or_else(|| bad(format!("{shown}?{name}=…")))?;
        }
        if url.fragment().is_some() || (address.ca.is_some() && address.tls != Tls::Verify) {
            return Err(wrong(&url));
        }
        Ok(address)
    }

    fn set(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "password-file" if !value.is_empty() && self.password == Password::None => {
                self.password = Password::File(value.into());
            }
            "ca" if !value.is_empty() => self.ca = Some(value.into()),
            "tls" => {
                self.tls = match value {
                    "off" => Tls::Off,
                    "preferred" => Tls::Preferred,
                    "required" => Tls::Required,
                    "verify" => Tls::Verify,
                    _ => return None,
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// How to connect. Reads the password's file, if that is where it is.
    pub(super) async fn options(&self) -> Result<MySqlConnectOptions, Error> {
        let mode = match self.tls {
            Tls::Off => MySqlSslMode::Disabled,
            Tls::Preferred => MySqlSslMode::Preferred,
            Tls::Required => MySqlSslMode::Required,
            Tls::Verify => MySqlSslMode::VerifyIdentity,
        };
        let options = MySqlConnectOptions::new()
            .host(&self.host)
            .port(self.port)
            .database(&self.database)
            .username(&self.user)
            .ssl_mode(mode)
            // What a session needs is set where it begins, with one question.
            .set_names(false)
            .pipes_as_concat(false)
            .no_engine_substitution(false)
            .timezone(None);
        let options = match &self.ca {
            Some(ca) => options.ssl_ca(ca),
            None => options,
        };
        Ok(match &self.password {
            Password::None => options,
            Password::Given(password) => options.password(password),
            Password::File(path) => options.password(&self.password_in(path).await?),
        })
    }

    async fn password_in(&self, path: &Path) -> Result<String, Error> {
        let held = format!("{self}?password-file={}", path.display());
        let no_file = || Error::BadUrl { held, wanted: NO_FILE };
        let Ok(mut password) = tokio::fs::read_to_string(path).await else { return Err(no_file()) };
        // The end of a line is what editors leave behind, and is no part of a password.
        password.truncate(password.trim_end_matches(['\r', '\n']).len());
        if password.is_empty() { Err(no_file()) } else { Ok(password) }
    }
}

/// Without the password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, database, user, .. } = self;
        let (open, close) = if host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "mysql://{user}@{open}{host}{close}:{port}/{database}")
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

fn decode(text: &str) -> Option<String> {
    let decoded = percent_decode_str(text).decode_utf8().ok()?;
    (!decoded.contains('\0')).then(|| decoded.into_owned())
}

/// As MySQL takes the name of a database.
fn is_database(name: &str) -> bool {
    (1..=64).contains(&name.chars().count()) && !name.contains(['/', '\\', '.']) && name.trim_end() == name
}

/// That a URL is no catalog's. Whatever may be a secret is left out.
fn wrong(url: &Url) -> Error {
    let host = url.host_str().unwrap_or_default();
    bad(format!("mysql://…{host}{}", url.path()))
}

fn bad(held: String) -> Error {
    Error::BadUrl { held, wanted: WANTED }
}
