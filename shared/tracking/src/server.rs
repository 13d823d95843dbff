//! The MLflow server that is told, and what it knows us by.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ureq::http::HeaderValue;
use url::Url;

/// What an MLflow client knows itself by, as in the environment: a name with its password, or a token.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Login {
    /// `MLFLOW_TRACKING_USERNAME`.
    pub username: Option<String>,
    /// `MLFLOW_TRACKING_PASSWORD`.
    pub password: Option<String>,
    /// `MLFLOW_TRACKING_TOKEN`.
    pub token: Option<String>,
}

/// An MLflow server: an address, and what it knows us by, which is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Server {
    base: Url,
    authorization: Option<HeaderValue>,
}

/// A setting of the server that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} is `{held}`: it may be {allowed}")]
pub struct WrongServer {
    /// The environment variable.
    pub variable: &'static str,
    /// What it held, without what may be secret.
    pub held: String,
    /// What it may hold.
    pub allowed: &'static str,
}

impl Server {
    /// A server by its URL. A name and password in the URL stand over those of the environment, and those over a token.
    ///
    /// # Errors
    /// [`WrongServer`].
    pub fn new(url: &str, login: Login) -> Result<Self, WrongServer> {
        let wrong = || WrongServer {
            variable: "PAPPUS_TRACKING",
            held: redacted(url),
            allowed: "`none:`, or the http or https URL of an MLflow server",
        };
        let mut base = Url::parse(url).map_err(|_| wrong())?;
        let is_plain = base.query().is_none() && base.fragment().is_none();
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() || !is_plain {
            return Err(wrong());
        }
        let authorization = match of_url(&base) {
            Some((name, password)) => Some(basic(&name, &password).ok_or_else(wrong)?),
            None => of_environment(login)?,
        };
        // Neither fails for a URL that has a host.
        let _ = base.set_username("");
        let _ = base.set_password(None);
        Ok(Self { base, authorization })
    }

    /// The URL of a route below the server's own path.
    pub(crate) fn url(&self, route: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/{route}", self.base.path().trim_end_matches('/')));
        url
    }

    /// What a request says of who sends it.
    pub(crate) const fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.base.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Server").field(&self.to_string()).finish()
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("username", &self.username).finish_non_exhaustive()
    }
}

/// A name and password before the `@` of a URL, unescaped.
fn of_url(url: &Url) -> Option<(String, String)> {
    let plain = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let name = plain(url.username());
    let password = url.password().map(plain).unwrap_or_default();
    (!name.is_empty() || !password.is_empty()).then_some((name, password))
}

fn of_environment(login: Login) -> Result<Option<HeaderValue>, WrongServer> {
    let wrong = |variable, allowed| WrongServer { variable, held: String::new(), allowed };
    let Login { username, password, token } = login;
    match (username, password, token) {
        (Some(name), Some(password), _) => {
            let secret = WrongServer {
                variable: "MLFLOW_TRACKING_USERNAME",
                held: name.clone(),
                allowed: "a name without a colon",
            };
            basic(&name, &password).map(Some).ok_or(secret)
        }
        (Some(_), None, _) => {
            Err(wrong("MLFLOW_TRACKING_PASSWORD", "the password of the user in MLFLOW_TRACKING_USERNAME"))
        }
        (None, Some(_), _) => {
            Err(wrong("MLFLOW_TRACKING_USERNAME", "the name of the user of MLFLOW_TRACKING_PASSWORD"))
        }
        (None, None, Some(token)) => {
            let allowed = "a token of printable characters";
            let held = "…".into();
            let unprintable = WrongServer { variable: "MLFLOW_TRACKING_TOKEN", held, allowed };
            secret(&format!("Bearer {token}")).map(Some).ok_or(unprintable)
        }
        (None, None, None) => Ok(None),
    }
}

fn basic(name: &str, password: &str) -> Option<HeaderValue> {
    if name.contains(':') {
        return None;
    }
    secret(&format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))))
}

/// The value of a header that no log shows.
fn secret(value: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// A URL without what may be secret: who asks, before the `@`, and what follows the path.
fn redacted(url: &str) -> String {
    let head = url.split(['?', '#']).next().unwrap_or_default();
    match (head.split_once("://"), head.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        (None, Some((_, host))) => format!("…@{host}"),
        (_, None) => head.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> Result<Server, WrongServer> {
        Server::new(url, Login::default())
    }

    fn knows(server: &Server) -> Option<&str> {
        server.authorization().map(|value| value.to_str().unwrap())
    }

    #[test]
    fn a_server_is_an_http_url_with_a_path_of_its_own() {
        let server = of("http://mlflow:5000").unwrap();
        assert_eq!(server.to_string(), "http://mlflow:5000");
        assert_eq!(server.url("api/2.0/mlflow/runs/create").as_str(), "http://mlflow:5000/api/2.0/mlflow/runs/create");
        let server = of("https://team.example/mlflow/").unwrap();
        assert_eq!(server.url("health").as_str(), "https://team.example/mlflow/health");
    }

    #[test]
    fn what_is_no_server_is_named_without_secrets() {
        for (url, held) in [
            ("mlflow:5000", "mlflow:5000"),
            ("databricks", "databricks"),
            ("sqlite:///mlflow.db", "sqlite:///mlflow.db"),
            ("http://", "http://"),
            ("http://ada:s3cret@mlflow:5000/?key=s3cret", "http://…@mlflow:5000/"),
            ("ftp://ada:s3cret@mlflow", "ftp://…@mlflow"),
            ("ada:s3cret@mlflow", "…@mlflow"),
        ] {
            let wrong = of(url).unwrap_err();
            assert_eq!((wrong.variable, wrong.held.as_str()), ("PAPPUS_TRACKING", held), "{url}");
            assert!(!wrong.to_string().contains("s3cret"), "{wrong}");
        }
    }

    #[test]
    fn who_asks_comes_from_the_url_then_a_name_then_a_token() {
        let login = |username: Option<&str>, password: Option<&str>, token: Option<&str>| Login {
            username: username.map(Into::into),
            password: password.map(Into::into),
            token: token.map(Into::into),
        };
        let server = |url, login| Server::new(url, login).unwrap();
        let all = || login(Some("ada"), Some("pass"), Some("t0ken"));
        let given = server("http://bob:p%40ss@mlflow", all());
        assert_eq!(knows(&given), Some("Basic Ym9iOnBAc3M="));
        assert_eq!(knows(&server("http://mlflow", all())), Some("Basic YWRhOnBhc3M="));
        assert_eq!(knows(&server("http://mlflow", login(None, None, Some("t0ken")))), Some("Bearer t0ken"));
        assert_eq!(knows(&of("http://mlflow").unwrap()), None);
        for shown in [format!("{given:?}"), format!("{given}"), given.url("health").to_string(), format!("{:?}", all())]
        {
            assert!(!shown.contains("p%40ss") && !shown.contains("pass") && !shown.contains("t0ken"), "{shown}");
        }
    }

    #[test]
    fn half_of_a_login_is_a_wrong_setting() {
        let wrong = |login: Login| Server::new("http://mlflow", login).unwrap_err();
        let name = wrong(Login { username: Some("ada".into()), ..Login::default() });
        assert_eq!(name.variable, "MLFLOW_TRACKING_PASSWORD");
        let password = wrong(Login { password: Some("s3cret".into()), ..Login::default() });
        assert_eq!(password.variable, "MLFLOW_TRACKING_USERNAME");
        let token = wrong(Login { token: Some("s3\ncret".into()), ..Login::default() });
        assert!(token.variable == "MLFLOW_TRACKING_TOKEN" && !token.to_string().contains("s3"), "{token}");
    }
}
