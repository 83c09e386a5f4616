//! The probe on arbitrary bytes: no panic may escape, every answer is within its bounds, and it survives the trip as JSON.
#![no_main]

use std::io::Cursor;

use earwitness::audio::{Expectations, Inspection, Limits, MAX_POINTS, inspect, sniff, svg, wav_len};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = sniff(data);
    let limits = Limits { max_sound_s: 60, ..Limits::default() };
    let Ok(inspection) = inspect(Cursor::new(data), data.len() as u64, &Expectations::default(), &limits) else { return };
    assert!(inspection.waveform.length as usize <= MAX_POINTS);
    assert!((0.0..=1.0).contains(&inspection.facts.silence_share));
    assert!(wav_len(&inspection.facts) >= 44);
    assert!(svg(&inspection.waveform, 300, 60).ends_with("</svg>\n"));
    let json = serde_json_trip(&inspection);
    assert_eq!(json, inspection);
});

fn serde_json_trip(inspection: &Inspection) -> Inspection {
    serde_json::from_slice(&serde_json::to_vec(inspection).expect("to JSON")).expect("from JSON")
}
