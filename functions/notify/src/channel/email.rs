//! Email, by a server that speaks SMTP.

use async_trait::async_trait;
use lettre::address::AddressError;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::AsyncSmtpTransportBuilder;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use pappus_host::{Email, Encryption};
use uuid::Uuid;

use super::{Channel, PATIENCE};
use crate::error::Error;
use crate::message::Message;

type Transport = AsyncSmtpTransport<Tokio1Executor>;

pub(super) struct EmailChannel {
    transport: Transport,
    from: Mailbox,
    to: Vec<Mailbox>,
    place: String,
}

impl EmailChannel {
    pub(super) fn new(email: &Email) -> Result<Self, Error> {
        let unusable = |error: AddressError| Error::Email(error.into());
        let to: Result<_, _> = email.to.iter().map(|to| mailbox(to)).collect();
        Ok(Self {
            transport: transport(email).map_err(|error| Error::Email(error.into()))?,
            from: mailbox(&email.from).map_err(unusable)?,
            to: to.map_err(unusable)?,
            place: format!("the mail server {email}"),
        })
    }

    /// The mail. Its id follows from the event, so that whoever gets it twice can know it.
    fn mail(&self, message: &Message, id: Uuid) -> Result<lettre::Message, lettre::error::Error> {
        let header = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".into());
        let mail = lettre::Message::builder()
            .from(self.from.clone())
            .subject(&message.title)
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .header(ContentType::TEXT_PLAIN)
            .raw_header(header);
        let mail = self.to.iter().cloned().fold(mail, MessageBuilder::to);
        mail.body(message.lines.join("\n"))
    }
}

fn mailbox(address: &str) -> Result<Mailbox, AddressError> {
    Ok(Mailbox::new(None, address.parse()?))
}

fn transport(email: &Email) -> Result<Transport, lettre::transport::smtp::Error> {
    let transport = match email.encryption {
        Encryption::Tls => Transport::relay(&email.host)?,
        Encryption::StartTls => Transport::starttls_relay(&email.host)?,
        Encryption::None => Transport::builder_dangerous(&email.host),
    };
    let known = |transport: AsyncSmtpTransportBuilder, (user, password): (String, String)| {
        transport.credentials(Credentials::new(user, password))
    };
    let transport = email.login.clone().into_iter().fold(transport, known);
    Ok(transport.port(email.port).timeout(Some(PATIENCE)).build())
}

#[async_trait]
impl Channel for EmailChannel {
    fn name(&self) -> &'static str {
        "email"
    }

    fn place(&self) -> String {
        self.place.clone()
    }

    async fn send(&self, message: &Message, id: Uuid) -> Result<(), Error> {
        let to = self.place();
        let mail = match self.mail(message, id) {
            Ok(mail) => mail,
            Err(error) => return Err(Error::Refused { to, source: error.into() }),
        };
        match self.transport.send(mail).await {
            Ok(_) => Ok(()),
            // Of the client's own errors are that the server has no STARTTLS, or no login that is known here.
            Err(error) if error.is_permanent() || error.is_client() => Err(Error::Refused { to, source: error.into() }),
            Err(error) => Err(Error::Unreachable { to, source: error.into() }),
        }
    }
}
