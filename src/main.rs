//! The command line.
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    match args.next().as_deref() {
        Some(earwitness::audio::worker::SUBCOMMAND) => {
            earwitness::audio::worker::run_child(&args.next().unwrap_or_default())
        }
        _ => ExitCode::from(2),
    }
}
