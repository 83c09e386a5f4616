//! Finding recordings: every filter, newest first, page by page.
//!
//! The statement is put together from constant pieces, one per filter that is set; a test prepares every combination.
//! Recordings past their deadline are never found, whatever the purge is doing; but for what is held, by those who see that.

use std::fmt::Write;

use sqlx::any::AnyRow;

use super::recordings::{recording_columns, recording_row};
use super::{Catalog, RecordingRow, Result};
use crate::clock::Timestamp;
use crate::recording::{RecordingId, Status};

/// What a caller may see, in terms of columns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScopeFilter {
    /// Only these accounts; none given means all.
    pub accounts: Option<Vec<String>>,
    /// … or calls whose keyed hash is one of these (the calls of one agent).
    pub or_macs: Vec<Vec<u8>>,
    /// Only these statuses.
    pub statuses: Vec<Status>,
    /// Also what is past its deadline, while it is held.
    pub held_past_deadline: bool,
}

/// What to look for. Everything that is set must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Of these accounts, exactly.
    pub accounts: Option<Vec<String>>,
    /// The product, exactly.
    pub product: Option<String>,
    /// Recorded at or after.
    pub from: Option<Timestamp>,
    /// Recorded before.
    pub to: Option<Timestamp>,
    /// The status.
    pub status: Option<Status>,
    /// On legal hold, or not.
    pub held: Option<bool>,
    /// For each searched field, its keyed hashes under every live month: one of them must match.
    pub macs: Vec<Vec<Vec<u8>>>,
}

/// Which page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// After this recording in newest-first order; the first page without.
    pub after: Option<(Timestamp, RecordingId)>,
    /// At most so many rows.
    pub limit: u32,
}

/// A value to be bound, in the order of its placeholder.
enum Value {
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
}

struct Statement {
    text: String,
    values: Vec<Value>,
}

impl Statement {
    fn new(now: Timestamp, held_past_deadline: bool) -> Self {
        let mut statement = Self { text: recording_columns!().to_owned(), values: Vec::new() };
        let in_time = if held_past_deadline {
            "WHERE r.stage = 'live' AND (r.expires_at > ? OR EXISTS \
             (SELECT 1 FROM holds y WHERE y.recording_id = r.id AND y.released_at IS NULL))"
        } else {
            "WHERE r.stage = 'live' AND r.expires_at > ?"
        };
        statement.add(in_time, vec![Value::Number(now.micros())]);
        statement
    }

    /// Adds a piece; each `?` in it becomes the next `$N`.
    fn add(&mut self, piece: &str, values: Vec<Value>) {
        let mut values = values.into_iter();
        for part in piece.split_inclusive('?') {
            match part.strip_suffix('?') {
                Some(before) => {
                    self.values.extend(values.next());
                    let _ = write!(self.text, "{before}${}", self.values.len());
                }
                None => self.text.push_str(part),
            }
        }
    }

    fn add_one_of(&mut self, before: &str, values: Vec<Value>, after: &str) {
        let marks = vec!["?"; values.len()].join(", ");
        self.add(&format!("{before}({marks}){after}"), values);
    }

    fn scope(&mut self, scope: &ScopeFilter) {
        let statuses = scope.statuses.iter().map(|s| Value::Text(s.as_str().to_owned())).collect();
        self.add_one_of(" AND r.status IN ", statuses, "");
        let Some(accounts) = &scope.accounts else { return };
        let accounts = accounts.iter().cloned().map(Value::Text).collect();
        self.add_one_of(" AND (r.account_id IN ", accounts, "");
        if !scope.or_macs.is_empty() {
            let macs = scope.or_macs.iter().cloned().map(Value::Bytes).collect();
            self.add_one_of(" OR r.id IN (SELECT l.recording_id FROM lookups l WHERE l.mac IN ", macs, ")");
        }
        self.text.push(')');
    }

    fn filter(&mut self, filter: &Filter) {
        let text = |value: &Option<String>| value.clone().map(Value::Text);
        let time = |value: Option<Timestamp>| value.map(|t| Value::Number(t.micros()));
        let single = [
            (" AND r.product = ?", text(&filter.product)),
            (" AND r.recorded_at >= ?", time(filter.from)),
            (" AND r.recorded_at < ?", time(filter.to)),
            (" AND r.status = ?", filter.status.map(|s| Value::Text(s.as_str().to_owned()))),
        ];
        for (piece, value) in single {
            if let Some(value) = value {
                self.add(piece, vec![value]);
            }
        }
        if let Some(accounts) = &filter.accounts {
            let accounts = accounts.iter().cloned().map(Value::Text).collect();
            self.add_one_of(" AND r.account_id IN ", accounts, "");
        }
        if let Some(held) = filter.held {
            let not = if held { "" } else { "NOT " };
            self.add(
                &format!(
                    " AND {not}EXISTS (SELECT 1 FROM holds x WHERE x.recording_id = r.id AND x.released_at IS NULL)"
                ),
                Vec::new(),
            );
        }
        for macs in &filter.macs {
            let macs = macs.iter().cloned().map(Value::Bytes).collect();
            self.add_one_of(" AND r.id IN (SELECT l.recording_id FROM lookups l WHERE l.mac IN ", macs, ")");
        }
    }

    fn page(&mut self, page: Page) {
        if let Some((at, id)) = page.after {
            self.add(
                " AND (r.recorded_at, r.id) < (?, ?)",
                vec![Value::Number(at.micros()), Value::Text(id.to_string())],
            );
        }
        self.add(" ORDER BY r.recorded_at DESC, r.id DESC LIMIT ?", vec![Value::Number(i64::from(page.limit))]);
    }
}

fn build(scope: &ScopeFilter, filter: &Filter, page: Page, now: Timestamp) -> Statement {
    let mut statement = Statement::new(now, scope.held_past_deadline);
    statement.scope(scope);
    statement.filter(filter);
    statement.page(page);
    statement
}

impl Catalog {
    /// A page of recordings, newest first. Lists that are empty in `scope` or `filter.macs` find nothing.
    pub async fn search(
        &self,
        scope: &ScopeFilter,
        filter: &Filter,
        page: Page,
        now: Timestamp,
    ) -> Result<Vec<RecordingRow>> {
        let nothing = scope.statuses.is_empty()
            || (scope.or_macs.is_empty() && scope.accounts.as_ref().is_some_and(Vec::is_empty))
            || filter.macs.iter().any(Vec::is_empty)
            || filter.accounts.as_ref().is_some_and(Vec::is_empty);
        if nothing {
            return Ok(Vec::new());
        }
        let mut scope = scope.clone();
        if let Some(accounts) = scope.accounts.as_mut().filter(|accounts| accounts.is_empty()) {
            // `IN ()` is not SQL. No account has an empty id.
            accounts.push(String::new());
        }
        let statement = build(&scope, filter, page, now);
        let mut query = sqlx::query(sqlx::AssertSqlSafe(statement.text));
        for value in statement.values {
            query = match value {
                Value::Number(number) => query.bind(number),
                Value::Text(text) => query.bind(text),
                Value::Bytes(bytes) => query.bind(bytes),
            };
        }
        let rows: Vec<AnyRow> = query.fetch_all(&self.pool).await?;
        rows.iter().map(recording_row).collect()
    }
}

/// Every combination of pieces, for the test that prepares them.
pub(super) fn every_statement() -> Vec<String> {
    let now = Timestamp::from_micros(0);
    let id = RecordingId(uuid::Uuid::nil());
    let text = || Some(String::new());
    let mut all = Vec::new();
    for bits in 0u32..1 << 10 {
        let on = |bit: u32| bits & (1 << bit) != 0;
        let scope = ScopeFilter {
            accounts: on(0).then(|| vec![String::new()]),
            or_macs: if on(1) { vec![vec![0]] } else { Vec::new() },
            statuses: vec![Status::Accepted],
            held_past_deadline: on(9),
        };
        let filter = Filter {
            accounts: on(2).then(|| vec![String::new()]),
            product: if on(3) { text() } else { None },
            from: on(4).then_some(now),
            to: on(4).then_some(now),
            status: on(5).then_some(Status::Accepted),
            held: on(6).then_some(on(7)),
            macs: if on(7) { vec![vec![vec![0]], vec![vec![0]]] } else { Vec::new() },
        };
        let page = Page { after: on(8).then_some((now, id)), limit: 1 };
        all.push(build(&scope, &filter, page, now).text);
    }
    all.sort();
    all.dedup();
    all
}
