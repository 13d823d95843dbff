//! Rows as MySQL gives them.

use sqlx::Row as _;
use sqlx::mysql::MySqlRow;

use crate::row::Columns;

impl Columns for MySqlRow {
    fn text(&self, column: &str) -> Result<Option<&str>, sqlx::Error> {
        self.try_get(column)
    }

    fn number(&self, column: &str) -> Result<Option<i64>, sqlx::Error> {
        self.try_get(column)
    }

    fn bytes(&self, column: &str) -> Result<Option<&[u8]>, sqlx::Error> {
        self.try_get(column)
    }

    fn key(&self) -> String {
        if let Ok(text) = self.try_get::<&str, _>(0) {
            return text.into();
        }
        let bytes = self.try_get::<&[u8], _>(0).unwrap_or_default();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
