//! Rows of whatever table, and what tells whether two tables have the same.

use aws_lc_rs::digest::{Context, SHA256};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Kind, Table};
use crate::catalog::Result;

/// What stands in one column of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Number(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

impl Value {
    fn digest(&self, context: &mut Context) {
        let (kind, bytes) = match self {
            Self::Number(number) => (1, number.map(|n| n.to_be_bytes().to_vec())),
            Self::Text(text) => (2, text.as_ref().map(|t| t.as_bytes().to_vec())),
            Self::Bytes(bytes) => (3, bytes.clone()),
        };
        match bytes {
            Some(bytes) => {
                context.update(&[kind]);
                context.update(&(bytes.len() as u64).to_be_bytes());
                context.update(&bytes);
            }
            None => context.update(&[0]),
        }
    }
}

/// The values of one row, in the order of the table's columns.
pub(super) fn read(row: &AnyRow, table: &Table) -> Result<Vec<Value>> {
    let value = |(place, (_, kind)): (usize, &(&str, Kind))| -> Result<Value> {
        Ok(match kind {
            Kind::Number => Value::Number(row.try_get(place)?),
            Kind::Text => Value::Text(row.try_get(place)?),
            Kind::Bytes => Value::Bytes(row.try_get(place)?),
        })
    };
    table.columns.iter().enumerate().map(value).collect()
}

/// How many rows a table has, and the sum of their SHA-256 modulo 2^256: the same for the same rows in any order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableSum {
    /// Rows.
    pub rows: u64,
    /// Little end first.
    digest: [u8; 32],
}

impl TableSum {
    pub(super) fn add(&mut self, row: &[Value]) {
        let mut context = Context::new(&SHA256);
        for value in row {
            value.digest(&mut context);
        }
        let mut carry = 0;
        for (sum, byte) in self.digest.iter_mut().zip(context.finish().as_ref()) {
            let added = u16::from(*sum) + u16::from(*byte) + carry;
            (*sum, carry) = ((added & 0xff) as u8, added >> 8);
        }
        self.rows += 1;
    }

    /// The digest, in hexadecimal digits.
    pub fn digest(&self) -> String {
        hex::encode(self.digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(rows: &[&[Value]]) -> TableSum {
        let mut sum = TableSum::default();
        for row in rows {
            sum.add(row);
        }
        sum
    }

    #[test]
    fn the_order_of_rows_does_not_matter_and_everything_else_does() {
        let text = |t: &str| Value::Text(Some(t.to_owned()));
        let (a, b) = ([text("a"), text("b")], [text("c"), Value::Number(Some(1))]);
        let both = sum(&[&a, &b]);
        assert_eq!(both, sum(&[&b, &a]));
        for other in [
            sum(&[&a]),
            sum(&[&a, &a]),
            sum(&[&[text("ab"), text("")], &b]),
            sum(&[&[text("b"), text("a")], &b]),
            sum(&[&a, &[text("c"), Value::Number(None)]]),
            sum(&[&a, &[text("c"), Value::Bytes(Some(1_i64.to_be_bytes().to_vec()))]]),
        ] {
            assert_ne!(both.digest(), other.digest());
        }
    }
}
