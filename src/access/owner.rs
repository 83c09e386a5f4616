//! Whose a token is: how names are written, and which of them mean one person. Where a second person is needed, another way
//! of writing a name must not make one.

use unicode_normalization::UnicodeNormalization as _;

/// A name as it is kept: composed (NFC), without spaces around it and with single ones in it.
pub fn written(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").nfc().collect()
}

/// Whether two names mean one person: whatever their case, their form in Unicode, and what nobody sees of them.
pub fn is_same(one: &str, other: &str) -> bool {
    compared(one) == compared(other)
}

fn compared(name: &str) -> String {
    let seen: String = name.nfkc().filter(|c| !is_unseen(*c)).collect();
    // To upper case first: it takes apart what has no other case of its own, as Unicode's case folding does (ß, SS).
    written(&seen.to_uppercase().to_lowercase()).nfkc().collect()
}

/// Soft hyphen, joiners and spaces without width, marks of direction, selectors of a form.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_kept_composed_and_trimmed() {
        assert_eq!(written("  Rene\u{301}e \u{a0} Smit\t"), "Ren\u{e9}e Smit");
        assert_eq!(written("an"), "an");
    }

    #[test]
    fn another_way_of_writing_makes_no_other_person() {
        for (one, other) in [
            ("Ann Smit", "ann smit "),
            ("Ren\u{e9}e", "RENE\u{301}E"),
            ("Strau\u{df}", "STRAUSS"),
            ("\u{3a3}\u{3bf}\u{3c6}\u{3cc}\u{3c2}", "\u{3a3}\u{39f}\u{3a6}\u{38c}\u{3a3}"),
            ("Ann\u{a0}Smit", "Ann  Smit"),
            ("Ann\u{200b}Smit", "AnnSmit"),
            ("\u{fb01}on", "fion"),
        ] {
            assert!(is_same(one, other), "{one:?} {other:?}");
        }
        for (one, other) in [("Ann Smit", "Ann Smits"), ("Ann Smit", "AnnSmit"), ("Ren\u{e9}e", "Renee"), ("an", "bo")]
        {
            assert!(!is_same(one, other), "{one:?} {other:?}");
        }
    }

    proptest! {
        #[test]
        fn every_form_of_a_name_is_the_same(name in "\\PC{1,40}") {
            let forms: [String; 4] = [name.nfc().collect(), name.nfd().collect(), format!(" {name} "), written(&name)];
            for form in forms {
                prop_assert!(is_same(&name, &form), "{form:?}");
            }
            prop_assert_eq!(written(&written(&name)), written(&name));
        }
    }
}
