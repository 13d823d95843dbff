//! Statements on many rows at once: each is a journey to the server and back.

use sqlx::AssertSqlSafe;

use super::server::Statement;

/// The most rows of one statement: as many predictions as are logged at once. Of 65,535 placeholders they take few.
const ROWS: usize = 512;
/// The most bytes of one statement, as far as its texts go: a server may take no more than one megabyte.
const BYTES: usize = 512 << 10;

/// Items in groups that one statement can take, by the length of the texts of each. What is too long alone is alone.
pub(super) fn groups<T>(items: &[T], length: impl Fn(&T) -> usize) -> impl Iterator<Item = &[T]> {
    let mut rest = items;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |item: &&T| {
            bytes += length(item);
            bytes <= BYTES
        };
        let fitting = rest.iter().take(ROWS).take_while(fits).count();
        let (group, others) = rest.split_at(fitting.max(1).min(rest.len()));
        rest = others;
        (!group.is_empty()).then_some(group)
    })
}

/// A statement on one row, `INSERT … VALUES (?, …)`, as one on several.
pub(super) fn insert<'q>(sql: &str, rows: usize) -> Statement<'q> {
    let (head, rest) = sql.split_once("VALUES (").unwrap_or((sql, ""));
    let (row, tail) = rest.split_once(')').unwrap_or((rest, ""));
    statement(format!("{head}VALUES {}{tail}", vec![format!("({row})"); rows].join(", ")))
}

/// A statement on one key, `… IN (?)`, as one on several.
pub(super) fn among<'q>(sql: &str, keys: usize) -> Statement<'q> {
    statement(sql.replace("IN (?)", &format!("IN ({})", vec!["?"; keys].join(", "))))
}

/// A statement that sets a column of one row, `CASE … WHEN ? THEN ? END … IN (?)`, as one on several.
pub(super) fn update<'q>(sql: &str, rows: usize) -> Statement<'q> {
    among(&sql.replace("WHEN ? THEN ?", &vec!["WHEN ? THEN ?"; rows].join(" ")), rows)
}

/// The statement is made of nothing but statements of this crate. It is not kept prepared: it may never come again.
fn statement<'q>(sql: String) -> Statement<'q> {
    sqlx::query(AssertSqlSafe(sql)).persistent(false)
}
