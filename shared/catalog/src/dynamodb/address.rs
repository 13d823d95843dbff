//! `dynamodb://table?endpoint=…&region=…`.

use percent_encoding::percent_decode_str;

use crate::Error;

const WANTED: &str = "give `dynamodb://TABLE?region=REGION`, and `&endpoint=http://HOST:PORT` for another server than \
     AWS's; a table's name has 3 to 255 letters, digits, `_`, `-` and `.`";
const NO_REGION: &str = "nothing names its region: add `?region=REGION`, or set AWS_REGION";

/// A table of DynamoDB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) table: String,
    /// The environment's where none is given.
    pub(super) region: Option<String>,
    /// Another server than AWS's.
    pub(super) endpoint: Option<String>,
}

impl Address {
    /// Reads what stands behind `dynamodb://`.
    ///
    /// # Errors
    /// [`Error::BadUrl`], with nothing of it that may be a secret.
    pub(super) fn read(rest: &str) -> Result<Self, Error> {
        let (table, query) = rest.split_once('?').unwrap_or((rest, ""));
        if !is_table(table) {
            return Err(bad("dynamodb://…".into()));
        }
        let mut address = Self { table: table.into(), region: None, endpoint: None };
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let bad = || bad(format!("dynamodb://{table}?{}=…", name.chars().take(40).collect::<String>()));
            let value = percent_decode_str(value).decode_utf8().map_err(|_| bad())?.into_owned();
            let (held, is_good) = match name {
                "region" => (&mut address.region, is_region(&value)),
                "endpoint" => (&mut address.endpoint, is_endpoint(&value)),
                _ => return Err(bad()),
            };
            if !is_good || held.replace(value).is_some() {
                return Err(bad());
            }
        }
        Ok(address)
    }

    /// That neither it nor the environment names a region.
    pub(super) fn lacks_region(&self) -> Error {
        Error::BadUrl { held: format!("dynamodb://{}", self.table), wanted: NO_REGION }
    }
}

fn bad(held: String) -> Error {
    Error::BadUrl { held, wanted: WANTED }
}

fn is_table(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (3..=255).contains(&name.len()) && name.bytes().all(allowed)
}

fn is_region(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// A server: a password in it would be one in logs.
fn is_endpoint(url: &str) -> bool {
    let host = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    host.is_some_and(|host| !host.is_empty() && !host.contains(['@', ' ', '?', '#']))
}
