//! `earwitness demo`: an archive of made-up calls, one of which is due within a minute.

mod calls;
mod place;
mod show;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::output::{Exit, Failure, Output, say};
use super::{part, signals};
use crate::access::Role;
use crate::archive::Archive;
use crate::archive::tokens::{self, NewToken};
use crate::clock::Timestamp;
use crate::config::{Config, Flags};
use crate::receive::bulk::shell_actor;
use crate::receive::spool::Spool;
use crate::receive::{Submission, receive};
use crate::recording::RecordingId;
use crate::serve::{ServeError, Server};
use crate::telemetry::Metrics;
use calls::{CALLS, Call};
use show::{Demo, Purged, Recording};

/// Until the first call is due.
const DUE_IN: Duration = Duration::from_secs(60);
/// Between two looks at whether it is gone.
const LOOK: Duration = Duration::from_millis(100);
const DAY: Duration = Duration::from_secs(86_400);

#[derive(clap::Args)]
pub(super) struct Args {
    /// Keep the temporary folder at the end
    #[arg(long)]
    keep: bool,
    /// End once the expiring call is purged
    #[arg(long, hide = true)]
    exit_after_purge: bool,
}

pub(super) async fn run(args: &Args, flags: &Flags, output: Output) -> Result<Exit, Failure> {
    let told_to_end = signals::watch()?;
    let mut place = place::choose(flags)?;
    if args.keep {
        place.keep();
    }
    super::part::init_logging(&place.config, false)?;
    say("taking in the sample calls …");
    let archive = part::open(place.config.clone()).await?;
    let metrics = Metrics::install().map_err(Failure::failed)?;
    let recordings = take_in(&archive).await?;
    let tokens = make_tokens(&archive).await?;
    let server = listen(&archive, &place.config, metrics).await?;
    let demo = Demo {
        url: format!("http://{}", server.address),
        data: place.config.data.clone(),
        data_is_temporary: place.is_temporary(),
        tokens,
        recordings,
    };
    output.result(&demo)?;
    let shown = watch_the_purge(&archive, &demo, output, &told_to_end, args.exit_after_purge).await;
    server.stop().await;
    place.remove();
    shown?;
    Ok(Exit::Done)
}

/// On 127.0.0.1:8080, or on a fresh port where that is taken and nobody asked for it.
async fn listen(archive: &Arc<Archive>, config: &Config, metrics: Metrics) -> Result<Server, Failure> {
    let asked = config.explain().iter().any(|setting| setting.name == "listen" && setting.source != "default");
    match Server::start(archive.clone(), config.listen, Some(metrics.clone())).await {
        Err(ServeError::Listen { source, .. }) if source.kind() == ErrorKind::AddrInUse && !asked => {
            let fresh = SocketAddr::new(config.listen.ip(), 0);
            Ok(Server::start(archive.clone(), fresh, Some(metrics)).await?)
        }
        other => Ok(other?),
    }
}

/// With the `failpoints` feature (tests only), `EARWITNESS_TEST_DEMO_DUE_S` makes the wait shorter.
fn due_in() -> Duration {
    let seconds = if cfg!(feature = "failpoints") { std::env::var("EARWITNESS_TEST_DEMO_DUE_S").ok() } else { None };
    seconds.and_then(|s| s.parse().ok()).map_or(DUE_IN, Duration::from_secs)
}

async fn take_in(archive: &Arc<Archive>) -> Result<Vec<Recording>, Failure> {
    let run = archive.clock.now().seconds().to_string();
    let mut recordings = Vec::new();
    // The one that is due comes last, so that its minute is not spent on the others.
    for (index, call) in CALLS.iter().enumerate().rev() {
        let now = archive.clock.now();
        let recorded_at = match call.days_ago {
            // At different hours of the day.
            Some(days) => Some(now.minus(DAY * days).minus(Duration::from_secs(1_700 * index as u64 + 600))),
            None => calls::recorded_for(&archive.policy, now.plus(due_in())),
        };
        match recorded_at {
            Some(recorded_at) => recordings.push(take_in_one(archive, index, call, &run, recorded_at).await?),
            None => {
                say("no retention period ends today (29 February, or clocks are changed): there is no purge to watch")
            }
        }
    }
    recordings.reverse();
    Ok(recordings)
}

async fn take_in_one(
    archive: &Arc<Archive>,
    index: usize,
    call: &Call,
    run: &str,
    recorded_at: Timestamp,
) -> Result<Recording, Failure> {
    let metadata = call.metadata(index, run, recorded_at).map_err(Failure::failed)?;
    let account = metadata.account_id.clone();
    let mut spool = Spool::create(&archive.config.spool, u64::MAX).await.map_err(Failure::failed)?;
    spool.write(call.audio).await.map_err(Failure::failed)?;
    let audio = spool.finish().await.map_err(Failure::failed)?;
    let actor = shell_actor("earwitness demo");
    let received = receive(archive, Submission { metadata, audio, actor }).await.map_err(Failure::failed)?;
    let row = archive.catalog.recording(received.id).await?;
    let row = row.ok_or_else(|| Failure::failed("a sample call is gone before its time"))?;
    Ok(Recording {
        id: received.id,
        account,
        recorded_at,
        expires_at: row.expires_at,
        status: row.status,
        is_due: call.days_ago.is_none(),
    })
}

async fn make_tokens(archive: &Archive) -> Result<Vec<(Role, String)>, Failure> {
    let mut made = Vec::new();
    for role in Role::ALL {
        let limited = matches!(role, Role::Rep | Role::Portal);
        let new = NewToken {
            role,
            name: format!("demo {role}"),
            accounts: if limited { vec![calls::ACCOUNT.to_owned()] } else { vec![] },
            agent: (role == Role::Rep).then(|| calls::AGENT.to_owned()),
            expires_at: None,
        };
        let (_, token) = tokens::create(archive, new).await?;
        made.push((role, token.expose().to_owned()));
    }
    Ok(made)
}

/// Says when the expiring call is purged, then waits for the end.
async fn watch_the_purge(
    archive: &Archive,
    demo: &Demo,
    output: Output,
    told_to_end: &CancellationToken,
    exit_after_purge: bool,
) -> Result<(), Failure> {
    if let Some(due) = demo.due() {
        let Some(certified_at) = told_to_end.run_until_cancelled(certified(archive, due.id)).await else {
            return Ok(());
        };
        let purged = Purged { demo, id: due.id, at: certified_at? };
        // With --json the one document is out already.
        if output.json { say(purged) } else { output.text(&purged)? }
    }
    if !exit_after_purge {
        told_to_end.cancelled().await;
    }
    Ok(())
}

/// Waits until the recording's certificate is there.
async fn certified(archive: &Archive, id: RecordingId) -> Result<Timestamp, Failure> {
    let mut told = false;
    loop {
        if archive.catalog.certificate(id).await?.is_some() {
            return Ok(archive.clock.now());
        }
        let brakes = archive.catalog.open_brakes().await?;
        if let Some(brake) = brakes.first().filter(|_| !told) {
            told = true;
            say(format!("the purge has stopped itself ({}): {}", brake.kind.as_str(), brake.detail));
            say(format!("let it go on with: {} purge --once --confirm 'it is a demo' --data FOLDER", show::program()));
        }
        tokio::time::sleep(LOOK).await;
    }
}
