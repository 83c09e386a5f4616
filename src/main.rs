//! The command line: see [`earwitness::cli`].

fn main() -> std::process::ExitCode {
    earwitness::cli::main()
}
