//! Being told to end: SIGTERM, SIGINT.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::output::Failure;

/// What a shell reports of a process that SIGINT ended.
const INTERRUPTED: i32 = 130;

async fn either(term: &mut Signal, int: &mut Signal) {
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}

/// A token that the first signal cancels; the second ends the process on the spot.
pub(super) fn watch() -> Result<CancellationToken, Failure> {
    let mut term = signal(SignalKind::terminate()).map_err(Failure::failed)?;
    let mut int = signal(SignalKind::interrupt()).map_err(Failure::failed)?;
    let told = CancellationToken::new();
    let to_cancel = told.clone();
    tokio::spawn(async move {
        either(&mut term, &mut int).await;
        to_cancel.cancel();
        either(&mut term, &mut int).await;
        std::process::exit(INTERRUPTED);
    });
    Ok(told)
}
