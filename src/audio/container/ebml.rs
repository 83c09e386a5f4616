//! Matroska and WebM (RFC 9559): are segment and clusters all there.

use std::io;

use crate::audio::facts::{FindingCode, Findings};
use crate::audio::source::Walk;

/// What the outer structure says.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Segment {
    /// The writer could not go back: sizes are unknown, so that the end cannot be told from a break.
    pub streamed: bool,
    /// The length that the file states, in ms.
    pub claimed_ms: Option<f64>,
}

const SEGMENT: u64 = 0x1853_8067;
const CLUSTER: u64 = 0x1F43_B675;
const INFO: u64 = 0x1549_A966;
const TIMESTAMP_SCALE: u64 = 0x2A_D7B1;
const DURATION: u64 = 0x4489;

struct Element {
    id: u64,
    start: u64,
    /// `None` when unknown.
    len: Option<u64>,
}

/// Walks over the top levels of a source of `len` bytes.
pub(crate) fn read(walk: &mut Walk<'_>, len: u64, findings: &mut Findings) -> io::Result<Segment> {
    let mut found = Segment::default();
    let mut at = 0;
    while at < len {
        let Some(element) = element(walk, at)? else {
            findings.add(FindingCode::TrailingGarbage, format!("{} bytes after the last element", len - at));
            break;
        };
        let end = element.len.map(|n| element.start.saturating_add(n));
        if element.id == SEGMENT {
            found.streamed = end.is_none();
            let end = end.unwrap_or(len);
            inside(walk, element.start, end.min(len), &mut found)?;
            if end > len {
                findings.add(FindingCode::Truncated, "the file ends within its segment");
            }
            if found.streamed {
                break;
            }
        } else if !matches!(element.id, 0x1A45_DFA3 | 0xEC) {
            findings.add(FindingCode::TrailingGarbage, format!("{} bytes after the segment", len - at));
            break;
        }
        at = end.unwrap_or(len);
    }
    Ok(found)
}

fn inside(walk: &mut Walk<'_>, from: u64, to: u64, found: &mut Segment) -> io::Result<()> {
    let mut at = from;
    while at < to {
        let Some(element) = element(walk, at)? else { break };
        if element.id == INFO {
            let len = usize::try_from(element.len.unwrap_or(0).min(4_096)).unwrap_or(0);
            let end = element.start.saturating_add(len as u64);
            read_info(walk, element.start, end, found)?;
        }
        match element.len {
            Some(n) => at = element.start.saturating_add(n),
            None => {
                found.streamed |= element.id == CLUSTER;
                break;
            }
        }
    }
    Ok(())
}

fn read_info(walk: &mut Walk<'_>, from: u64, to: u64, found: &mut Segment) -> io::Result<()> {
    let (mut scale_ns, mut ticks) = (1_000_000_u64, None);
    let mut at = from;
    while at < to {
        let Some(element) = element(walk, at)? else { break };
        let len = usize::try_from(element.len.unwrap_or(0).min(8)).unwrap_or(0);
        let value = walk.peek(element.start, len)?;
        match (element.id, value.len()) {
            (TIMESTAMP_SCALE, _) => scale_ns = value.iter().fold(0, |sum, b| sum << 8 | u64::from(*b)),
            (DURATION, 4) => ticks = value.try_into().ok().map(|b| f64::from(f32::from_be_bytes(b))),
            (DURATION, 8) => ticks = value.try_into().ok().map(f64::from_be_bytes),
            _ => {}
        }
        at = element.start.saturating_add(element.len.unwrap_or(0)).max(at + 2);
    }
    #[expect(clippy::cast_precision_loss, reason = "a scale is about a million")]
    let scale_ms = scale_ns as f64 / 1e6;
    found.claimed_ms = ticks.map(|t| t * scale_ms).filter(|ms| ms.is_finite() && *ms > 0.0);
    Ok(())
}

/// The element at `at`; `None` when there is none.
fn element(walk: &mut Walk<'_>, at: u64) -> io::Result<Option<Element>> {
    let bytes = walk.peek(at, 12)?;
    let Some((id_len, id)) = vint(bytes, 4) else { return Ok(None) };
    let Some((size_len, raw)) = bytes.get(id_len..).and_then(|rest| vint(rest, 8)) else { return Ok(None) };
    let bits = 7 * size_len;
    let value = raw & ((1_u64 << bits) - 1);
    let unknown = value == (1_u64 << bits) - 1;
    let start = at.saturating_add((id_len + size_len) as u64);
    Ok(Some(Element { id, start, len: (!unknown).then_some(value) }))
}

/// A variable-length number with its marker bit still in (RFC 8794 section 4), and its length in bytes.
fn vint(bytes: &[u8], longest: usize) -> Option<(usize, u64)> {
    let first = *bytes.first()?;
    let len = first.leading_zeros() as usize + 1;
    if len > longest {
        return None;
    }
    let value = bytes.get(..len)?.iter().fold(0_u64, |sum, b| sum << 8 | u64::from(*b));
    Some((len, value))
}
