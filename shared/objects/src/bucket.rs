//! A store as a bucket, for those who are told of its objects by the bucket's name and the key in it.

/// The bucket that a store is, or is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket<'a> {
    /// The bucket's name.
    pub name: &'a str,
    /// What the keys of the store's objects begin with in the bucket: empty, or with a slash at its end.
    pub prefix: &'a str,
}

impl Bucket<'_> {
    /// The key in the store of an object of the bucket; none where it is not of the store.
    pub fn key_of<'k>(&self, key: &'k str) -> Option<&'k str> {
        key.strip_prefix(self.prefix)
    }
}
