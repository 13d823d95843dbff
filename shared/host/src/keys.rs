//! Keys of callers: who may ask for what over HTTP.
//!
//! Only their digests are kept: a key is 256 random bits, which nobody finds from its digest, so that neither salt nor a slow
//! hash is wanted.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::str::FromStr;
use std::sync::Arc;

use pappus_domain::Digest;

use crate::error::Error;

/// The most bytes of a file of keys.
const LIMIT: u64 = 64 << 10;
/// What each digest begins with; whatever has it in it are keys, and no path.
const DIGEST: &str = "sha256:";
/// What each key begins with, for whoever finds one, and for what looks for secrets.
const KEY: &str = "pappus_";
/// The most characters of a holder's name.
const NAME_LENGTH: usize = 64;

/// What the holder of a key may do; each role also what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Ask what images are.
    Predict,
    /// Say what images truly show, bring new ones, and look.
    Label,
    /// Change anything.
    Operate,
}

impl Role {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Predict, Self::Label, Self::Operate];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Predict => "predict",
            Self::Label => "label",
            Self::Operate => "operate",
        }
    }
}

impl Role {
    /// What they are called who have it.
    pub(crate) const fn those(self) -> &'static str {
        match self {
            Self::Predict => "those who may predict",
            Self::Label => "labellers",
            Self::Operate => "operators",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text is no role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a role is `predict`, `label` or `operate`")]
pub struct NotARole;

impl FromStr for Role {
    type Err = NotARole;

    fn from_str(text: &str) -> Result<Self, NotARole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(NotARole)
    }
}

/// Who has a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// What they may do.
    pub role: Role,
    /// Their name, for the ledger.
    pub name: Arc<str>,
}

/// The keys that `PAPPUS_API_KEYS` lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys(HashMap<Digest, Holder>);

impl Keys {
    /// Reads a file of keys, or keys.
    pub(crate) fn read(value: &str) -> Result<Self, Error> {
        if value.split_ascii_whitespace().any(is_key) {
            let why = "it is a key, which nobody else is to know: `pappus key` prints the line that belongs there";
            return Err(Error::Keys(why.into()));
        }
        let keys = if value.contains(DIGEST) {
            value.parse().map_err(|why| format!("line {why}"))
        } else {
            text(value).and_then(|text| text.parse().map_err(|why| format!("{value}, line {why}")))
        };
        keys.map_err(Error::Keys)
    }

    /// Who has this key.
    pub(crate) fn holder(&self, key: &str) -> Option<&Holder> {
        // How long a look-up of a digest takes says nothing of a key.
        self.0.get(&Digest::of(key.as_bytes()))
    }

    /// Whether whoever asks what images are needs a key.
    pub(crate) fn guard_predictions(&self) -> bool {
        self.0.values().any(|holder| holder.role == Role::Predict)
    }
}

/// Whether this is a key and not its digest: what says so must not be shown.
fn is_key(word: &str) -> bool {
    word.strip_prefix(KEY).is_some_and(|digits| digits.parse::<Digest>().is_ok())
}

fn text(path: &str) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("{path}: {error}");
    let mut text = String::new();
    File::open(path).map_err(failed)?.take(LIMIT + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > LIMIT {
        return Err(format!("{path}: it has more than the {LIMIT} bytes that are read"));
    }
    Ok(text)
}

/// What is wrong, and in which line. Nothing of the line is told: somebody may have put a key there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}: {why}")]
pub struct NotKeys {
    line: usize,
    why: &'static str,
}

impl FromStr for Keys {
    type Err = NotKeys;

    fn from_str(text: &str) -> Result<Self, NotKeys> {
        let mut keys = HashMap::new();
        for (number, line) in text.lines().enumerate() {
            let wrong = |why| NotKeys { line: number + 1, why };
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (digest, holder) = key(line).map_err(wrong)?;
            if keys.insert(digest, holder).is_some() {
                return Err(wrong("the same key is there twice"));
            }
        }
        // A file that was to lock something and has been emptied is not to open everything, nor to lock everybody out.
        if keys.is_empty() {
            return Err(NotKeys { line: 1, why: "there is no key: `pappus key` makes one" });
        }
        Ok(Self(keys))
    }
}

fn key(line: &str) -> Result<(Digest, Holder), &'static str> {
    let fields: Vec<_> = line.split_ascii_whitespace().collect();
    let [role, name, digest] = fields[..] else { return Err("it may be `ROLE NAME sha256:DIGEST`") };
    let role = role.parse().map_err(|NotARole| "its role may be `predict`, `label` or `operate`")?;
    let name = holder_name(name).ok_or("its name may be 1 to 64 letters, digits and `-._@`")?;
    let digest = digest.strip_prefix(DIGEST).and_then(|digest| digest.parse().ok());
    Ok((digest.ok_or("its third part may be `sha256:` and 64 hexadecimal digits")?, Holder { role, name }))
}

fn holder_name(name: &str) -> Option<Arc<str>> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._@".contains(&byte);
    ((1..=NAME_LENGTH).contains(&name.len()) && name.bytes().all(is_allowed)).then(|| name.into())
}

/// A new key, and the line that lets its holder in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// What the holder sends.
    pub key: String,
    /// What goes where `PAPPUS_API_KEYS` points.
    pub line: String,
}

impl NewKey {
    /// The key that is made of 32 random bytes, for somebody; nothing where the name cannot be one.
    pub fn of(random: [u8; 32], role: Role, name: &str) -> Option<Self> {
        let name = holder_name(name)?;
        // The digits of so many bytes, which these are not a digest of.
        let key = format!("{KEY}{}", Digest::from_bytes(random));
        let line = format!("{role} {name} {DIGEST}{}", Digest::of(key.as_bytes()));
        Some(Self { key, line })
    }
}
