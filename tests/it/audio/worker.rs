//! The child process: the same answer as in-process, and no crash of it is a crash of ours.

use std::fs::File;
use std::path::PathBuf;

use earwitness::audio::{Expectations, FindingCode, Supervisor, WorkerError, WorkerLimits};

use super::{look, read, samples_dir};

fn supervisor(limits: WorkerLimits) -> Supervisor {
    Supervisor::new(PathBuf::from(env!("CARGO_BIN_EXE_earwitness")), limits, 2)
}

fn open(file: &str) -> (File, u64) {
    let file = File::open(samples_dir().join(file)).unwrap();
    let len = file.metadata().unwrap().len();
    (file, len)
}

#[tokio::test]
async fn the_child_says_what_we_would_say() {
    for name in ["good/opus-stereo.ogg", "broken/truncated.flac", "good/wav-gsm49.wav"] {
        let (file, len) = open(name);
        let told = supervisor(WorkerLimits::default()).inspect(file, len, &Expectations::default()).await.unwrap();
        assert_eq!(told, look(read(name)).unwrap(), "{name}");
    }
}

#[tokio::test]
async fn what_is_no_audio_is_refused() {
    let (file, len) = open("refused/picture.png");
    let told = supervisor(WorkerLimits::default()).inspect(file, len, &Expectations::default()).await;
    assert!(matches!(told, Err(WorkerError::NotAudio)), "{told:?}");
}

#[tokio::test]
async fn a_child_that_cannot_finish_quarantines_the_recording() {
    let starved = [
        WorkerLimits { address_space_bytes: 1024 * 1024, ..WorkerLimits::default() },
        WorkerLimits { wall_ms: 0, ..WorkerLimits::default() },
    ];
    for limits in starved {
        let (file, len) = open("good/call.flac");
        let told = supervisor(limits).inspect(file, len, &Expectations::default()).await.unwrap();
        assert_eq!(told.findings[0].code, FindingCode::DecodeError);
        assert_eq!(told.findings[0].detail, "the decoder did not finish");
        assert!(told.is_quarantined());
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_our_fault() {
    let missing = Supervisor::new(PathBuf::from("/nonexistent/earwitness"), WorkerLimits::default(), 1);
    let (file, len) = open("good/call.flac");
    let told = missing.inspect(file, len, &Expectations::default()).await;
    assert!(matches!(told, Err(WorkerError::Io(_))), "{told:?}");
}
