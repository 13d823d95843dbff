//! Reading partitions in order: rows as a stream that asks for more as it is read, and streams merged into one.

use std::cmp::Reverse;

use aws_sdk_dynamodb::types::{AttributeValue, Select};
use futures::future::try_join_all;
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

use super::fault::fault;
use super::item::{Attributes, FIRST_ORDER, PARTITION, PLACE, SECOND_ORDER};
use super::table::Table;
use crate::Error;

/// By what the rows of a partition are in order.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    Place,
    First,
    Second,
}

/// Rows of one partition, from one place in an order to another.
#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) partition: String,
    pub(super) order: Order,
    /// The first place and the last, both included.
    pub(super) from: String,
    pub(super) to: String,
    pub(super) newest_first: bool,
    /// Rows of one request, where fewer are wanted than DynamoDB gives at once.
    pub(super) page: Option<usize>,
    /// The attributes that are wanted; all of them where this is empty.
    pub(super) only: &'static [&'static str],
}

impl Query {
    /// The rows whose place in an order begins with `beginning`, which ends with a slash.
    pub(super) fn all(partition: impl Into<String>, order: Order, beginning: &str) -> Self {
        Self::after(partition, order, beginning, String::new())
    }

    /// Those of [`Query::all`] from `from` on; where it is empty, all of them.
    pub(super) fn after(partition: impl Into<String>, order: Order, beginning: &str, from: String) -> Self {
        Self {
            partition: partition.into(),
            order,
            from: if from.is_empty() { beginning.into() } else { from },
            to: end_of(beginning),
            newest_first: false,
            page: None,
            only: &[],
        }
    }

    /// All rows of a partition.
    pub(super) fn whole(partition: impl Into<String>) -> Self {
        Self { to: char::MAX.into(), ..Self::after(partition, Order::Place, "/", "\0".into()) }
    }

    pub(super) fn newest_first(self) -> Self {
        Self { newest_first: true, ..self }
    }

    pub(super) fn in_pages_of(self, rows: usize) -> Self {
        Self { page: Some(rows.max(1)), ..self }
    }

    pub(super) fn only(self, attributes: &'static [&'static str]) -> Self {
        Self { only: attributes, ..self }
    }
}

/// What comes after all that begins with `beginning`, and is no place itself: a 0 stands behind the slash.
pub(super) fn end_of(beginning: &str) -> String {
    format!("{}0", beginning.trim_end_matches('/'))
}

/// The place right after another.
pub(super) fn after(place: &str) -> String {
    format!("{place}\0")
}

impl Table {
    /// Rows in order, asked for as they are wanted.
    pub(super) fn rows(&self, query: Query) -> BoxStream<'static, Result<Attributes, Error>> {
        if query.from > query.to {
            return stream::empty().boxed();
        }
        let page = query.page.map(|rows| i32::try_from(rows).unwrap_or(i32::MAX));
        let mut asked = self.ask(query).into_paginator();
        if let Some(page) = page {
            asked = asked.page_size(page);
        }
        let rows = stream::unfold(asked.items().send(), |mut rows| async move {
            let row = rows.next().await?;
            Some((row.map_err(fault), rows))
        });
        rows.boxed()
    }

    /// How many rows there are; counting stops when there are `at_most`.
    pub(super) async fn count(&self, query: Query, at_most: u64) -> Result<u64, Error> {
        if query.from > query.to {
            return Ok(0);
        }
        let mut pages = self.ask(query).select(Select::Count).into_paginator().send();
        let mut rows = 0;
        while rows < at_most {
            let Some(page) = pages.next().await else { break };
            rows += u64::try_from(page.map_err(fault)?.count).unwrap_or_default();
        }
        Ok(rows.min(at_most))
    }

    fn ask(&self, query: Query) -> aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder {
        let (index, place) = match query.order {
            Order::Place => (None, PLACE),
            Order::First => (Some(FIRST_ORDER.to_owned()), FIRST_ORDER),
            Order::Second => (Some(SECOND_ORDER.to_owned()), SECOND_ORDER),
        };
        let mut ask = self
            .client
            .query()
            .table_name(&self.name)
            .set_index_name(index)
            .consistent_read(true)
            .scan_index_forward(!query.newest_first)
            .key_condition_expression("#partition = :partition AND #place BETWEEN :from AND :to")
            .expression_attribute_names("#partition", PARTITION)
            .expression_attribute_names("#place", place)
            .expression_attribute_values(":partition", AttributeValue::S(query.partition))
            .expression_attribute_values(":from", AttributeValue::S(query.from))
            .expression_attribute_values(":to", AttributeValue::S(query.to));
        for name in query.only {
            ask = ask.expression_attribute_names(format!("#{name}"), *name);
        }
        let only: Vec<String> = query.only.iter().map(|name| format!("#{name}")).collect();
        ask.set_projection_expression((!only.is_empty()).then(|| only.join(", ")))
    }
}

/// A stream and what came of it last and was not taken yet.
type Head<'a, T> = (BoxStream<'a, Result<T, Error>>, Option<T>);

/// Streams that are each in order, as one that is.
pub(super) fn merged<'a, T, K>(
    streams: Vec<BoxStream<'a, Result<T, Error>>>,
    key: impl Fn(&T) -> K + Send + 'a,
) -> BoxStream<'a, Result<T, Error>>
where
    T: Send + 'a,
    K: Ord,
{
    let heads: Vec<Head<'a, T>> = streams.into_iter().map(|stream| (stream, None)).collect();
    let next = |(mut heads, key): (Vec<Head<'a, T>>, _)| async move {
        // At first all of them, at once; later the one whose head was taken.
        let fill = heads.iter_mut().filter(|(_, head)| head.is_none());
        try_join_all(fill.map(|(stream, head)| async {
            *head = stream.try_next().await?;
            Ok::<(), Error>(())
        }))
        .await?;
        heads.retain(|(_, head)| head.is_some());
        let least = heads.iter_mut().filter(|(_, head)| head.is_some()).min_by_key(|(_, head)| head.as_ref().map(&key));
        Ok(least.and_then(|(_, head)| head.take()).map(|row| (row, (heads, key))))
    };
    stream::try_unfold((heads, key), next).boxed()
}

/// For [`merged`], where the streams begin with the last.
pub(super) fn last_first<T, K>(key: impl Fn(&T) -> K) -> impl Fn(&T) -> Reverse<K> {
    move |row| Reverse(key(row))
}
