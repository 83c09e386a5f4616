//! Text that others wrote, so that it is shown and does nothing: no control character, nothing that turns the direction
//! of what follows, no more than a page can bear.

use maud::{Markup, PreEscaped, Render, html};

/// Longest text that is shown, in characters.
const LONGEST: usize = 400;

/// A text that somebody else wrote. Shown in a box of its own direction.
pub(super) struct Plain<'a>(pub(super) &'a str);

impl Render for Plain<'_> {
    fn render(&self) -> Markup {
        html! { bdi { (Visible(self.0)) } }
    }
}

/// The same without the box.
pub(super) struct Visible<'a>(pub(super) &'a str);

impl Render for Visible<'_> {
    fn render_to(&self, out: &mut String) {
        let mut shown = String::new();
        for c in self.0.chars().take(LONGEST) {
            if must_be_named(c) { shown.push_str(&format!("[U+{:04X}]", u32::from(c))) } else { shown.push(c) }
        }
        shown.render_to(out);
        let left = self.0.chars().count().saturating_sub(LONGEST);
        if left > 0 {
            PreEscaped(format!("… (+{left})")).render_to(out);
        }
    }
}

/// Characters that do something instead of being seen: controls, directions, separators, invisible ones, and those
/// that HTML does not allow at all.
fn must_be_named(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0x00AD | 0x061C | 0x180E | 0x200B | 0x200E | 0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0xFEFF | 0xFFF9..=0xFFFB
            | 0xFDD0..=0xFDEF | 0xE0000..=0xE0FFF)
        || u32::from(c) & 0xFFFE == 0xFFFE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_do_something_is_named() {
        let shown = |text: &str| Visible(text).render().into_string();
        assert_eq!(shown("<b>&\"'"), "&lt;b&gt;&amp;&quot;'");
        assert_eq!(
            shown("a\0\n\u{202e}b\u{2066}\u{fffe}\u{1fffe}"),
            "a[U+0000][U+000A][U+202E]b[U+2066][U+FFFE][U+1FFFE]"
        );
        assert_eq!(shown("Jérôme Ĳssel 👩‍⚖️ עדות"), "Jérôme Ĳssel 👩‍⚖️ עדות");
        assert!(shown(&"x".repeat(1_000)).ends_with("x… (+600)"));
    }
}
