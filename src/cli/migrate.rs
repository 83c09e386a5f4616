//! `earwitness migrate-store`, `migrate-catalog`: growing from one machine to engines of their own.

use std::fmt;
use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::time::Duration;

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};
use serde::Serialize;

use super::output::{Exit, Failure, Output, aligned};
use super::part;
use crate::archive::{Archive, open_keys};
use crate::catalog::{Catalog, pin};
use crate::clock::{Clock, SystemClock};
use crate::config::{CatalogUrl, Config, KeysUrl, StoreUrl, masked};
use crate::migrate::catalog::{CatalogCopy, Move, migrate};
use crate::migrate::keys::{KeysDone, destroy_old, finish_keys, migrate_keys};
use crate::migrate::store::{StorePass, Target, copy_objects, finish};

#[derive(clap::Args)]
pub(super) struct StoreArgs {
    /// The new store, as the setting `store` has it: s3://BUCKET/PREFIX?… or file://PATH
    #[arg(long, value_name = "ADDRESS")]
    to: String,
    /// The last pass, while nothing is served: from its end on the new store is the archive's
    #[arg(long)]
    finish: bool,
    /// Read again what an earlier pass has read back already
    #[arg(long)]
    recheck: bool,
}

#[derive(clap::Args)]
pub(super) struct CatalogArgs {
    /// The new catalog, as the setting `catalog` has it: postgres://USER:PASSWORD@HOST:PORT/DATABASE or sqlite://PATH
    #[arg(long, value_name = "ADDRESS")]
    to: String,
}

#[derive(clap::Args)]
pub(super) struct KeysArgs {
    /// The new keys, as the setting `keys` has it: transit+https://HOST/MOUNT, aws-kms:PREFIX or file://PATH
    #[arg(long, value_name = "ADDRESS", required_unless_present = "from", conflicts_with = "from")]
    to: Option<String>,
    /// The old keys, with --destroy-old, once the setting `keys` is the new one
    #[arg(long, value_name = "ADDRESS", requires = "destroy_old")]
    from: Option<String>,
    /// Destroy the old keys: backups of the catalog from before the migration do not open any more
    #[arg(long, requires = "from")]
    destroy_old: bool,
}

/// What a command did, and what is to be done next.
#[derive(Serialize)]
struct Done<T> {
    to: String,
    finished: bool,
    #[serde(flatten)]
    done: T,
    next: String,
}

impl fmt::Display for Done<StorePass> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pass = &self.done;
        let rows = [
            ("objects", HumanCount(pass.objects).to_string()),
            ("copied and read back", HumanCount(pass.copied).to_string()),
            ("bytes copied", HumanBytes(pass.copied_bytes).to_string()),
            ("there already", HumanCount(pass.same).to_string()),
            ("deleted at the new store", HumanCount(pass.deleted).to_string()),
            ("only at the new store", HumanCount(pass.left_over).to_string()),
            ("deleted meanwhile", HumanCount(pass.gone_meanwhile).to_string()),
        ];
        f.write_str(&aligned(&rows.map(|(name, count)| [name.to_owned(), count])))?;
        writeln!(f, "\n{}", self.next)
    }
}

impl fmt::Display for Done<CatalogCopy> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let copy = &self.done;
        let rows: Vec<[String; 3]> =
            copy.tables.iter().map(|t| [t.name.to_owned(), t.rows.to_string(), t.digest.clone()]).collect();
        f.write_str(&aligned(&rows))?;
        writeln!(f, "ledger: {} entries, root {}", copy.ledger_size, copy.ledger_root)?;
        writeln!(f, "\n{}", self.next)
    }
}

impl fmt::Display for Done<KeysDone> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = &self.done;
        let rows =
            [("secrets", done.secrets), ("copies in the store", done.copies), ("old keys destroyed", done.destroyed)];
        f.write_str(&aligned(&rows.map(|(name, count)| [name.to_owned(), count.to_string()])))?;
        writeln!(f, "\n{}", self.next)
    }
}

pub(super) async fn store(args: StoreArgs, config: Config, output: Output) -> Result<Exit, Failure> {
    let to: StoreUrl = args.to.parse().map_err(|why| Failure::usage(format!("--to: {why}")))?;
    let place = masked(&args.to);
    let archive = part::open_existing(config).await?;
    archive.check_freshness().await?;
    let target = Target::open(&archive, &to, &place).await?;
    let bar = progress("{spinner} {msg}")?;
    let tell = |pass: &StorePass| {
        let (objects, bytes) = (HumanCount(pass.objects), HumanBytes(pass.copied_bytes));
        bar.set_message(format!("{objects} objects looked at, {bytes} copied"));
    };
    let done = match args.finish {
        true => finish(&archive, &target, args.recheck, tell).await,
        false => copy_objects(&archive, &target, args.recheck, tell).await,
    };
    bar.finish_and_clear();
    let next = if args.finish { after_store(&archive, &place) } else { before_the_last(&archive, &args.to) };
    output.result(&Done { to: place, finished: args.finish, done: done?, next })?;
    Ok(Exit::Done)
}

fn before_the_last(archive: &Archive, to: &str) -> String {
    let (to, days) = (masked(to), days_of_backups(archive));
    format!("Next, and within {days} days: stop every `serve`, then run earwitness migrate-store --to '{to}' --finish")
}

fn after_store(archive: &Archive, place: &str) -> String {
    format!(
        "Next: set store = \"{place}\" (or EARWITNESS_STORE) on every node and start `serve`. The old store is as it \
         was, with what will be purged from now on: destroy it within {} days, as purge certificates state the greatest \
         age of a backup.",
        days_of_backups(archive)
    )
}

fn days_of_backups(archive: &Archive) -> u64 {
    archive.config.backup_max_age.as_secs() / (24 * 3600)
}

pub(super) async fn catalog(args: CatalogArgs, config: Config, output: Output) -> Result<Exit, Failure> {
    let to: CatalogUrl = args.to.parse().map_err(|why| Failure::usage(format!("--to: {why}")))?;
    if to == config.catalog {
        return Err(Failure::usage("--to: this is the catalog that is configured"));
    }
    part::must_exist(&config)?;
    let place = to.to_string();
    let source = Catalog::open(&config.catalog.to_connect()).await?;
    let target = Catalog::open(&to.to_connect()).await?;
    let bar = progress("{spinner} {human_pos} rows copied  {per_sec}")?;
    let clock = SystemClock::new();
    let route = Move { source: &source, target: &target, place: &place, clock: &clock };
    let done = migrate(&route, |rows| bar.inc(rows)).await;
    bar.finish_and_clear();
    source.close().await;
    target.close().await;
    let next = format!(
        "Next: set catalog = \"{place}\" (or EARWITNESS_CATALOG, with its password) on every node and start `serve`. \
         The old catalog is refused from now on; destroy it within {} days, as purge certificates state the greatest \
         age of a backup.",
        config.backup_max_age.as_secs() / (24 * 3600)
    );
    output.result(&Done { to: place.clone(), finished: true, done: done?, next })?;
    Ok(Exit::Done)
}

pub(super) async fn keys(args: KeysArgs, config: Config, output: Output) -> Result<Exit, Failure> {
    part::must_exist(&config)?;
    let address = args.to.or(args.from).unwrap_or_default();
    let url: KeysUrl = address.parse().map_err(|why| Failure::usage(format!("--to, --from: {why}")))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    // A replica belongs to the folder that is configured.
    let mut elsewhere = config.clone();
    elsewhere.keys_replica = config.keys_replica.clone().filter(|_| url == config.keys);
    elsewhere.keys = url;
    let other = open_keys(&elsewhere, &clock).await?;
    let place = masked(&address);
    let configured = config.explain().into_iter().find(|setting| setting.name == "keys");
    let configured = configured.and_then(|setting| setting.value).unwrap_or_default();
    let days = config.backup_max_age.as_secs() / (24 * 3600);
    let (done, next) = if args.destroy_old {
        let archive = part::open_existing(config).await?;
        archive.check_freshness().await?;
        let done = destroy_old(&archive, other.as_ref()).await?;
        let now = archive.clock.now();
        let next = match done.effective_at.filter(|at| *at > now) {
            Some(at) => format!(
                "Nothing opens under the old keys any more. They are gone for good from {at} on; until then those who \
                 administer them can call it off."
            ),
            None => "The old keys are gone for good.".to_owned(),
        };
        (done, next)
    } else {
        let catalog = Catalog::open(&config.catalog.to_connect()).await?;
        let is_moved = catalog.pins().await?.get(pin::KEYS_PLACE) == Some(&place);
        catalog.close().await;
        let done = if is_moved {
            finish_keys(part::open_existing(elsewhere).await?.as_ref()).await?
        } else {
            let archive = part::open_existing(config).await?;
            archive.check_freshness().await?;
            migrate_keys(&archive, other.as_ref(), &place).await?
        };
        let next = format!(
            "Next: set keys = \"{place}\" (or EARWITNESS_KEYS) on every node and start `serve`. The old keys still open \
             every backup, also of months that will be over: once no backup from before today is needed, and within \
             {days} days, run earwitness migrate-keys --from '{configured}' --destroy-old"
        );
        (done, next)
    };
    let to = if args.destroy_old { configured } else { place };
    output.result(&Done { to, finished: true, done, next })?;
    Ok(Exit::Done)
}

/// What somebody who looks at it sees; nothing otherwise.
fn progress(template: &str) -> Result<ProgressBar, Failure> {
    if !io::stderr().is_terminal() {
        return Ok(ProgressBar::hidden());
    }
    let style = ProgressStyle::with_template(template).map_err(Failure::failed)?;
    let bar = ProgressBar::new_spinner().with_style(style);
    bar.enable_steady_tick(Duration::from_millis(200));
    Ok(bar)
}
