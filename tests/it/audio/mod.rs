//! The audio room from outside: every sample, other people's decoders, and thousands of mutants.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod decoders;
mod mutants;
mod samples;
mod worker;

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

use earwitness::audio::{Expectations, Inspection, Limits, Refusal, inspect};

/// The folder of samples.
fn samples_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

fn read(file: &str) -> Vec<u8> {
    std::fs::read(samples_dir().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn look(bytes: Vec<u8>) -> Result<Inspection, Refusal> {
    let len = bytes.len() as u64;
    inspect(Cursor::new(bytes), len, &Expectations::default(), &Limits::default())
}

/// Runs an outside tool and gives its standard output.
fn tool(program: &str, args: &[&str]) -> Vec<u8> {
    let output = Command::new(program).args(args).output().unwrap_or_else(|e| panic!("{program} is needed: {e}"));
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// What ffmpeg decodes a sample to: interleaved 32-bit floats.
fn ffmpeg(file: &str, decoder: &[&str]) -> Vec<f32> {
    let path = samples_dir().join(file);
    let mut args = vec!["-v", "error", "-nostdin"];
    args.extend(decoder);
    args.extend(["-i", path.to_str().unwrap(), "-f", "f32le", "-"]);
    tool("ffmpeg", &args).chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}
