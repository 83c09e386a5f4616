//! The command line: one file per command. What a command prints goes to standard output (with `--json` one JSON
//! document), everything else to standard error; how it ended is its exit code.

mod accounts;
mod config;
mod demo;
mod fsck;
mod ingest;
mod migrate;
mod output;
mod part;
mod purge;
mod report;
mod restore;
mod retention;
mod serve;
mod signals;
mod statistics;
mod store;
mod token;
mod verify;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::audio::worker;
use crate::config::{Config, Flags};
use output::{Exit, Failure, Output};

/// Shown below `--help`.
const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  it failed
  2  the command line or the configuration is wrong
  3  something was refused: a row or line of an import, a document that does not verify,
     an archive that fsck finds unsound, a migration into a place that is not empty,
     a store that does not enforce the lock that require_lock asks for
  4  not now: the purge's brakes are on, or the archive is not ready, or in use

Settings are read from earwitness.toml, EARWITNESS_* and flags, in rising order; --help lists them.";

#[derive(Parser)]
#[command(name = "earwitness", version, about, after_help = EXIT_CODES, max_term_width = 110)]
struct Cli {
    #[command(flatten)]
    flags: Flags,
    /// Print one JSON document to standard output, and everything else to standard error
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start an archive of made-up calls, one of which is due within a minute; nothing to configure
    Demo(demo::Args),
    /// Serve the archive, and purge what is due
    Serve,
    /// Take in many recordings listed in a manifest; running it again goes on where it stopped
    Ingest(ingest::Args),
    /// The product's accounts
    #[command(subcommand)]
    Accounts(accounts::Args),
    /// Purge what is due now
    Purge(purge::Args),
    /// Look over store and catalog, both ways, and mend; bring back a lost catalog
    Fsck(fsck::Args),
    /// After a restored backup of the catalog, and before anything is served: bring back what was acknowledged since, and
    /// apply again every purge and hold that came later
    Restore(restore::Args),
    /// Copy every object into another store; with --finish, move the archive there
    MigrateStore(migrate::StoreArgs),
    /// Copy every row into another catalog, and move the archive there; nothing may be served
    MigrateCatalog(migrate::CatalogArgs),
    /// Wrap every secret by the keys of another provider, and move the archive there; nothing may be served
    MigrateKeys(migrate::KeysArgs),
    /// Check an evidence package, receipt, certificate or checkpoint, offline
    Verify(verify::Args),
    /// Make, list and withdraw access tokens
    #[command(subcommand)]
    Token(token::Args),
    /// Say what is kept, what is due, and what was purged
    Report,
    /// Show what purged calls leave: counts, for good
    Statistics(statistics::Args),
    /// Make or check the store itself
    #[command(subcommand)]
    Store(store::Args),
    /// Show every setting, and where its value came from
    Config,
    /// The retention rule
    #[command(subcommand)]
    Retention(retention::Args),
}

/// The whole program. Returns its exit code.
pub fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    // Before anything else: the decoder's process must not read settings, make threads or open files.
    if arguments.next().is_some_and(|first| first == worker::SUBCOMMAND) {
        let options = arguments.next().and_then(|options| options.into_string().ok()).unwrap_or_default();
        return worker::run_child(&options);
    }
    report_panics_by_place();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let exit = match run(cli) {
        Ok(exit) => exit,
        // Whoever reads the output has seen enough.
        Err(failure) if failure.is_closed_output() => Exit::Done,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "earwitness: {failure}");
            failure.exit
        }
    };
    ExitCode::from(exit as u8)
}

/// What a panic says may quote a recording's metadata, so only the place is told.
fn report_panics_by_place() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(std::io::stderr(), "earwitness: a bug at {place}");
    }));
}

fn run(cli: Cli) -> Result<Exit, Failure> {
    let output = Output { json: cli.json };
    // The demo has settings of its own, and some commands need none.
    match &cli.command {
        Command::Verify(args) => return verify::run(args, output),
        Command::Demo(args) => return in_runtime(demo::run(args, &cli.flags, output)),
        _ => {}
    }
    let config = Config::load(&cli.flags.inputs()).map_err(Failure::usage)?;
    part::init_logging(&config, matches!(cli.command, Command::Serve))?;
    match cli.command {
        Command::Config => config::run(&config, output),
        Command::Serve => in_runtime(serve::run(config, output)),
        Command::Ingest(args) => in_runtime(ingest::run(args, config, output)),
        Command::Accounts(args) => in_runtime(accounts::run(args, config, output)),
        Command::Purge(args) => in_runtime(purge::run(args, config, output)),
        Command::Fsck(args) => in_runtime(fsck::run(args, config, output)),
        Command::Restore(args) => in_runtime(restore::run(args, config, output)),
        Command::MigrateStore(args) => in_runtime(migrate::store(args, config, output)),
        Command::MigrateCatalog(args) => in_runtime(migrate::catalog(args, config, output)),
        Command::MigrateKeys(args) => in_runtime(migrate::keys(args, config, output)),
        Command::Token(args) => in_runtime(token::run(args, config, output)),
        Command::Store(args) => in_runtime(store::run(args, config, output)),
        Command::Statistics(args) => in_runtime(statistics::run(args, config, output)),
        Command::Report => in_runtime(report::run(config, output)),
        Command::Retention(args) => in_runtime(retention::run(args, config, output)),
        Command::Verify(_) | Command::Demo(_) => Ok(Exit::Done),
    }
}

fn in_runtime<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::failed)?;
    runtime.block_on(work)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_holds_together_and_tells_its_exit_codes() {
        let mut command = Cli::command();
        command.clone().debug_assert();
        let help = command.render_long_help().to_string();
        for code in ["0  done", "1  it failed", "2  ", "3  ", "4  "] {
            assert!(help.contains(code), "{help}");
        }
        assert!(!help.contains(worker::SUBCOMMAND));
    }
}
