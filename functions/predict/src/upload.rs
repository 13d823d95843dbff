//! Images out of requests.

use axum::body::Bytes;
use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{StatusCode, header};

use crate::error::Error;

/// The most bytes of one image, and of the wrapping around it.
pub(crate) const MAX_IMAGE_BYTES: u64 = 10 << 20;
pub(crate) const MAX_BODY_BYTES: usize = MAX_IMAGE_BYTES as usize + (64 << 10);
/// The most bytes and images of a batch.
pub(crate) const MAX_BATCH_BYTES: usize = 64 << 20;
pub(crate) const MAX_BATCH_IMAGES: usize = 64;

/// One image of a batch.
pub(crate) struct Upload {
    pub(crate) filename: String,
    pub(crate) bytes: Bytes,
}

/// The image of a request: its multipart field `file`, or its whole body.
pub(crate) async fn one(request: Request) -> Result<Bytes, Error> {
    let kind = content_type(&request);
    if kind.starts_with("multipart/form-data") {
        let mut form = form(request).await?;
        while let Some(field) = form.next_field().await.map_err(|error| bad_form(&error, MAX_IMAGE_BYTES))? {
            if field.name() == Some("file") {
                return field.bytes().await.map_err(|error| bad_form(&error, MAX_IMAGE_BYTES));
            }
        }
        return Err(Error::BadRequest("the form has no field `file`: put the image there".into()));
    }
    // `curl --data-binary` sends a form's type unless told otherwise.
    let is_image = kind.starts_with("image/") || matches!(&*kind, "" | "application/octet-stream");
    if !is_image && kind != "application/x-www-form-urlencoded" {
        return Err(Error::WrongType(kind));
    }
    let read = Bytes::from_request(request, &()).await;
    read.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Error::TooLarge { limit: MAX_IMAGE_BYTES },
        _ => Error::BadRequest(rejection.body_text()),
    })
}

/// The images of a batch: every multipart field `files`.
pub(crate) async fn many(request: Request) -> Result<Vec<Upload>, Error> {
    let kind = content_type(&request);
    if !kind.starts_with("multipart/form-data") {
        return Err(Error::WrongType(kind));
    }
    let mut form = form(request).await?;
    let mut uploads = Vec::new();
    while let Some(field) = form.next_field().await.map_err(|error| bad_form(&error, MAX_BATCH_BYTES as u64))? {
        if field.name() != Some("files") {
            continue;
        }
        if uploads.len() == MAX_BATCH_IMAGES {
            return Err(Error::BadRequest(format!(
                "a batch has at most {MAX_BATCH_IMAGES} images: send the rest in another"
            )));
        }
        let filename = field.file_name().unwrap_or_default().to_owned();
        let bytes = field.bytes().await.map_err(|error| bad_form(&error, MAX_BATCH_BYTES as u64))?;
        uploads.push(Upload { filename, bytes });
    }
    if uploads.is_empty() {
        return Err(Error::BadRequest("the form has no field `files`: put an image in each".into()));
    }
    Ok(uploads)
}

fn content_type(request: &Request) -> String {
    let value = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_ascii_lowercase()
}

async fn form(request: Request) -> Result<Multipart, Error> {
    Multipart::from_request(request, &()).await.map_err(|rejection| Error::BadRequest(rejection.body_text()))
}

fn bad_form(error: &MultipartError, limit: u64) -> Error {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Error::TooLarge { limit },
        _ => Error::BadRequest(format!("the form cannot be read: {}", error.body_text())),
    }
}
