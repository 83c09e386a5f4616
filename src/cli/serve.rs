//! `earwitness serve`.

use std::fmt;

use serde::Serialize;

use super::output::{Exit, Failure, Output};
use super::{part, signals};
use crate::config::Config;
use crate::http::around;
use crate::serve::{ServeError, Server};
use crate::telemetry::Metrics;

#[derive(Serialize)]
struct Listening {
    url: String,
    metrics_url: Option<String>,
}

impl fmt::Display for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Earwitness listens on {}", self.url)
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::NotReady(_) => Self::not_now(error),
            ServeError::Listen { .. } => Self::failed(error),
        }
    }
}

pub(super) async fn run(config: Config, output: Output) -> Result<Exit, Failure> {
    let told_to_end = signals::watch()?;
    let listen = config.listen;
    let archive = part::open(config).await?;
    let metrics = Metrics::install().map_err(Failure::failed)?;
    around::describe_metrics();
    let server = Server::start(archive, listen, Some(metrics)).await?;
    tracing::info!(address = %server.address, "listening");
    output.result(&Listening {
        url: format!("http://{}", server.address),
        metrics_url: server.metrics_address.map(|address| format!("http://{address}/metrics")),
    })?;
    told_to_end.cancelled().await;
    tracing::info!("ending: running requests may finish");
    server.stop().await;
    tracing::info!("ended");
    Ok(Exit::Done)
}
