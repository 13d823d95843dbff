//! Rows as SQLite gives them.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, ValueRef as _};

use crate::row::Columns;

impl Columns for SqliteRow {
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
        let raw = self.try_get_raw(0);
        let is_text = raw.is_ok_and(|value| value.type_info().to_string() == "TEXT");
        let bytes = self.try_get_unchecked::<&[u8], _>(0).unwrap_or_default();
        if is_text {
            return String::from_utf8_lossy(bytes).into_owned();
        }
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
