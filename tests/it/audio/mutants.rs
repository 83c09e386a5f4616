//! Thousands of mutated files: flipped bits, lost ends, lying headers. Each goes through a child process with limits, as an
//! upload does: the child may find what it likes, but neither crash, nor hang, nor ask for more memory than it may have.
//!
//! 100 per form; `EARWITNESS_MUTANTS=2000` for more. The same seed gives the same mutants.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use earwitness::audio::{Expectations, Supervisor, WorkerError, WorkerLimits};
use futures::StreamExt;

use super::{read, samples_dir};

/// Well above the slowest sample in an unoptimised build.
const SLOWEST: Duration = Duration::from_secs(10);

/// SplitMix64: small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n.max(1) as u64).unwrap()
    }
}

fn mutate(bytes: &mut Vec<u8>, dice: &mut Dice) -> &'static str {
    match dice.below(3) {
        0 => {
            for _ in 0..=dice.below(16) {
                let at = dice.below(bytes.len());
                bytes[at] ^= 1 << dice.below(8);
            }
            "flipped"
        }
        1 => {
            bytes.truncate(dice.below(bytes.len()));
            "cut"
        }
        _ => {
            // Numbers of 1 to 8 bytes near the beginning, and now and then anywhere (an MP4's index may be at the end).
            for _ in 0..=dice.below(3) {
                let room = if dice.below(4) == 0 { bytes.len() } else { bytes.len().min(600) };
                let (at, width) = (dice.below(room), 1 + dice.below(8));
                let value = [0, u64::MAX, 0x7F7F_7F7F_7F7F_7F7F, 0x8080_8080_8080_8080, dice.next()][dice.below(5)];
                let end = (at + width).min(bytes.len());
                bytes[at..end].copy_from_slice(&value.to_le_bytes()[..end - at]);
            }
            "lying"
        }
    }
}

fn forms() -> Vec<String> {
    let mut forms: Vec<String> = std::fs::read_dir(samples_dir().join("good"))
        .unwrap()
        .map(|file| format!("good/{}", file.unwrap().file_name().to_str().unwrap()))
        // Two recordings of one call are the same form.
        .filter(|name| !name.contains("baresip-said"))
        .collect();
    forms.sort();
    forms
}

/// What came of one mutant, in a word.
async fn try_one(supervisor: &Supervisor, form: &str, seed: u64) -> (String, Duration) {
    let mut bytes = read(form);
    let kind = mutate(&mut bytes, &mut Dice(seed));
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    let begun = Instant::now();
    let told = supervisor.inspect(file, bytes.len() as u64, &Expectations::default()).await;
    let outcome = match told {
        Err(WorkerError::NotAudio) => "refused",
        Err(WorkerError::Io(error)) => panic!("{form}, seed {seed}: {error}"),
        Ok(told) if told.findings.iter().any(|f| f.detail == "the decoder did not finish") => "unfinished",
        Ok(told) if told.is_quarantined() => "quarantined",
        Ok(told) if told.findings.is_empty() => "accepted",
        Ok(_) => "warned",
    };
    (format!("{kind} {outcome}"), begun.elapsed())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_mutant_crashes_hangs_or_eats_memory() {
    let count: u64 = std::env::var("EARWITNESS_MUTANTS").ok().and_then(|n| n.parse().ok()).unwrap_or(100);
    let limits = WorkerLimits { cpu_s: 8, wall_ms: 10_000, ..WorkerLimits::default() };
    let supervisor = &Supervisor::new(PathBuf::from(env!("CARGO_BIN_EXE_earwitness")), limits, 3);
    let (mut table, mut slowest) = (BTreeMap::<String, BTreeMap<String, u32>>::new(), Duration::ZERO);
    for form in &forms() {
        let outcomes = futures::stream::iter(0..count).map(|seed| try_one(supervisor, form, seed)).buffer_unordered(3);
        let mut outcomes = Box::pin(outcomes);
        while let Some((outcome, took)) = outcomes.next().await {
            *table.entry(form.clone()).or_default().entry(outcome).or_default() += 1;
            slowest = slowest.max(took);
        }
    }
    let report = table.iter().map(|(form, outcomes)| format!("{form}: {outcomes:?}\n")).collect::<String>();
    println!("{report}slowest: {slowest:?}");
    assert!(slowest < SLOWEST, "a mutant took {slowest:?}\n{report}");
    let unfinished: u32 = table.values().flatten().filter(|(k, _)| k.ends_with("unfinished")).map(|(_, n)| n).sum();
    assert_eq!(unfinished, 0, "children died or ran out of memory\n{report}");
}
