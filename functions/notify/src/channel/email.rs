//! Email, by a server that speaks SMTP.

use async_trait::async_trait;
use lettre::address::{AddressError, Envelope};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::AsyncSmtpTransportBuilder;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use pappus_domain::Digest;
use pappus_host::{Email, Encryption};
use uuid::Uuid;

use super::{Channel, PATIENCE};
use crate::error::Error;
use crate::message::Message;

type Transport = AsyncSmtpTransport<Tokio1Executor>;

pub(super) struct EmailChannel {
    transport: Transport,
    from: Mailbox,
    /// All that the mail is for.
    all: Vec<Mailbox>,
    /// Whom of them this channel sends it.
    to: Mailbox,
    name: String,
    place: String,
}

impl EmailChannel {
    /// One for each recipient: a server that refuses one of them refuses a mail to all.
    pub(super) fn each(email: &Email) -> Result<Vec<Self>, Error> {
        let unusable = |error: AddressError| Error::Email(error.into());
        let all: Result<Vec<_>, _> = email.to.iter().map(|to| mailbox(to)).collect();
        let (from, all) = (mailbox(&email.from).map_err(unusable)?, all.map_err(unusable)?);
        let transport = transport(email).map_err(|error| Error::Email(error.into()))?;
        let channel = |to: &Mailbox| {
            // Keys are no place for addresses.
            let digest = Digest::of(to.email.to_string().as_bytes()).to_string();
            let (name, place) =
                (format!("email-{}", &digest[..12]), format!("{} by the mail server {email}", to.email));
            Self { transport: transport.clone(), from: from.clone(), all: all.clone(), to: to.clone(), name, place }
        };
        Ok(all.iter().map(channel).collect())
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
        let mail = self.all.iter().cloned().fold(mail, MessageBuilder::to);
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
    fn name(&self) -> &str {
        &self.name
    }

    fn place(&self) -> String {
        self.place.clone()
    }

    async fn send(&self, message: &Message, id: Uuid) -> Result<(), Error> {
        let to = self.place();
        let refused = |error: lettre::error::Error| Error::Refused { to: self.place(), source: error.into() };
        let mail = self.mail(message, id).map_err(refused)?.formatted();
        let recipient = vec![self.to.email.clone()];
        let envelope = Envelope::new(Some(self.from.email.clone()), recipient).map_err(refused)?;
        match self.transport.send_raw(&envelope, &mail).await {
            Ok(_) => Ok(()),
            // Of the client's own errors are that the server has no STARTTLS, or no login that is known here.
            Err(error) if error.is_permanent() || error.is_client() => Err(Error::Refused { to, source: error.into() }),
            Err(error) => Err(Error::Unreachable { to, source: error.into() }),
        }
    }
}
