//! The waveform as an SVG that takes the colour of the text around it.

use std::fmt::Write as _;

use super::waveform::Waveform;

/// Draws a waveform: each channel in a band of its own, mirrored bars with round ends, in `currentColor`.
///
/// `width_px` and `height_px` are the picture's natural size; it scales with its box. The description names length and
/// channels, for those who do not see it.
pub fn svg(waveform: &Waveform, width_px: u32, height_px: u32) -> String {
    let seconds =
        u64::from(waveform.length) * u64::from(waveform.samples_per_pixel) / u64::from(waveform.sample_rate.max(1));
    let label = format!(
        "Waveform, {}:{:02}, {} channel{}",
        seconds / 60,
        seconds % 60,
        waveform.channels,
        if waveform.channels == 1 { "" } else { "s" }
    );
    svg_named(waveform, width_px, height_px, &label)
}

/// The same with a description of the caller's, which is plain text without markup.
pub fn svg_named(waveform: &Waveform, width_px: u32, height_px: u32, label: &str) -> String {
    let (width, height) = (width_px.clamp(16, 8_192), height_px.clamp(16, 2_048));
    let channels = waveform.channels.max(1);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{label}\"><title>{label}</title>"
    );
    let band = f64::from(height) / f64::from(channels);
    for channel in 0..channels {
        let middle = band * (f64::from(channel) + 0.5);
        let _ = write!(
            out,
            "<path d=\"M0 {middle:.1}H{width}\" stroke=\"currentColor\" stroke-opacity=\".25\" fill=\"none\"/>\
             <path d=\"{}\" stroke=\"currentColor\" stroke-width=\"2\" stroke-linecap=\"round\" fill=\"none\"/>",
            bars(waveform, channel, width, middle, band * 0.46)
        );
    }
    out.push_str("</svg>\n");
    out
}

/// One bar every three pixels.
fn bars(waveform: &Waveform, channel: u16, width: u32, middle: f64, reach: f64) -> String {
    let points: Vec<(i8, i8)> = waveform.points(channel).collect();
    let count = (width / 3).max(1) as usize;
    let mut path = String::new();
    for bar in 0..count {
        let from = bar * points.len() / count;
        let to = ((bar + 1) * points.len() / count).max(from + 1);
        let Some(part) = points.get(from..to.min(points.len())).filter(|part| !part.is_empty()) else { break };
        let low = part.iter().map(|p| p.0).min().unwrap_or(0);
        let high = part.iter().map(|p| p.1).max().unwrap_or(0);
        let x = 1.5 + 3.0 * u32::try_from(bar).map_or(0.0, f64::from);
        let top = middle - f64::from(high) / 128.0 * reach;
        // A bar has at least half a pixel, so that silence is a dotted line and not nothing.
        let bottom = (middle - f64::from(low) / 128.0 * reach).max(top + 0.5);
        let _ = write!(path, "M{x:.1} {top:.1}V{bottom:.1}");
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_per_channel_within_the_picture() {
        let waveform = Waveform {
            version: 2,
            channels: 2,
            sample_rate: 8_000,
            samples_per_pixel: 80,
            bits: 8,
            length: 300,
            data: (0..300).flat_map(|_| [-128, 127, -5, 5]).collect(),
        };
        let svg = svg(&waveform, 600, 120);
        assert!(svg.contains("aria-label=\"Waveform, 0:03, 2 channels\""));
        assert_eq!(svg.matches("stroke-width=\"2\"").count(), 2);
        assert_eq!(svg.matches('M').count(), 402, "200 bars and a line in each band");
        let first = "M1.5 2.6V57.6";
        assert!(svg.contains(first), "{svg}");
        assert!(svg.contains("currentColor") && !svg.contains('#'));
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        assert!(svg(&Waveform::empty(), 0, 0).contains("<title>"));
    }
}
