//! The command line.

use std::process::ExitCode;

use earwitness::audio::worker;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some(worker::SUBCOMMAND), Some(options)) => worker::run_child(&options),
        _ => ExitCode::from(2),
    }
}
