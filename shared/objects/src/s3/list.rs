//! Listing, by pages that are as large as the caller's or as the server's, whichever are smaller.

use aws_sdk_s3::types::EncodingType;
use percent_encoding::percent_decode_str;

use super::Remote;
use super::fault::Fault;
use crate::{Error, Key, Meta};

/// The most that a server lists at once.
const PAGE: usize = 1000;

pub(super) async fn list(
    Remote { client, address }: &Remote,
    prefix: &str,
    after: Option<&Key>,
    limit: usize,
) -> Result<Vec<Meta>, Error> {
    let mut found = Vec::new();
    let mut next = None;
    while found.len() < limit {
        // Where much is passed over, small pages would be many.
        let wanted = if next.is_none() { PAGE.min(limit) } else { PAGE };
        let page = client
            .list_objects_v2()
            .bucket(&address.bucket)
            .prefix(address.full(prefix))
            .max_keys(i32::try_from(wanted).unwrap_or(1))
            .set_start_after(after.map(|after| address.full(after.as_str())))
            .set_continuation_token(next)
            // Others may have put keys there that cannot stand in XML.
            .encoding_type(EncodingType::Url)
            .send()
            .await
            .map_err(|error| Fault::from(error).of_store(address))?;
        let is_encoded = page.encoding_type() == Some(&EncodingType::Url);
        let metas = page.contents().iter().filter_map(|object| {
            let full = if is_encoded { decoded(object.key()?)? } else { object.key()?.to_owned() };
            // What others put there may have a name that is no key.
            let key = full.strip_prefix(&address.prefix)?.parse().ok()?;
            Some(Meta { key, size: u64::try_from(object.size()?).ok()? })
        });
        found.extend(metas);
        next = page.next_continuation_token;
        if next.is_none() {
            break;
        }
    }
    found.truncate(limit);
    Ok(found)
}

fn decoded(key: &str) -> Option<String> {
    let spaced = key.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(Into::into)
}
