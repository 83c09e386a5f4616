//! `earwitness config`: every setting, and where its value came from.

use std::fmt;

use serde::Serialize;

use super::output::{Exit, Failure, Output, aligned};
use crate::config::{Config, Setting};

#[derive(Serialize)]
struct Shown {
    settings: Vec<Setting>,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["setting", "value", "from"].map(str::to_owned);
        let row =
            |s: &Setting| [s.name.to_owned(), s.value.clone().unwrap_or_else(|| "-".to_owned()), s.source.clone()];
        let rows: Vec<[String; 3]> = [head].into_iter().chain(self.settings.iter().map(row)).collect();
        f.write_str(&aligned(&rows))
    }
}

pub(super) fn run(config: &Config, output: Output) -> Result<Exit, Failure> {
    output.result(&Shown { settings: config.explain() })?;
    Ok(Exit::Done)
}
