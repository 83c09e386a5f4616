//! What the record says to people, in each language. A language that lacks a text does not compile.

mod de;
mod en;
mod fr;
mod nl;

use super::category::{Category, Ground, Until};
use crate::recording::Language;

/// The texts of one language.
pub struct Texts {
    /// The page's heading.
    pub title: &'static str,
    /// What the page is.
    pub intro: &'static str,
    /// "As of".
    pub as_of: &'static str,
    /// The controller.
    pub controller: &'static str,
    /// Where to write about one's data.
    pub privacy_contact: &'static str,
    /// Heads of the table.
    pub columns: Columns,
    /// How the data are secured (article 30(1)(g)).
    pub security: Section,
    /// Who may receive them (article 30(1)(d)).
    pub recipients: Section,
    /// No transfers beyond what the operator set up (article 30(1)(e)).
    pub transfers: Section,
    pub(super) grounds: [&'static str; 4],
    pub(super) until: [&'static str; 5],
    pub(super) kinds: [KindTexts; 11],
}

/// Heads of the table.
#[allow(missing_docs, reason = "the columns by their names")]
pub struct Columns {
    pub data: &'static str,
    pub purpose: &'static str,
    pub subjects: &'static str,
    pub ground: &'static str,
    pub until: &'static str,
    pub count: &'static str,
    pub next_end: &'static str,
    pub last_end: &'static str,
}

/// A heading and what stands below it.
#[allow(missing_docs, reason = "as it says")]
pub struct Section {
    pub heading: &'static str,
    pub text: &'static str,
}

/// What is said about a kind of data.
pub struct KindTexts {
    /// What they are.
    pub name: &'static str,
    /// What for.
    pub purpose: &'static str,
    /// Whose data they are.
    pub subjects: &'static str,
}

impl Texts {
    /// About a kind of data.
    pub fn kind(&self, category: Category) -> &KindTexts {
        &self.kinds[category as usize]
    }

    /// About a ground.
    pub fn ground(&self, ground: Ground) -> &'static str {
        self.grounds[ground as usize]
    }

    /// Until when.
    pub fn until(&self, until: Until) -> &'static str {
        self.until[until as usize]
    }
}

/// The texts of a language.
pub fn of(language: Language) -> &'static Texts {
    match language {
        Language::Nl => &nl::TEXTS,
        Language::Fr => &fr::TEXTS,
        Language::En => &en::TEXTS,
        Language::De => &de::TEXTS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_says_something_of_everything() {
        for language in [Language::Nl, Language::Fr, Language::En, Language::De] {
            let texts = of(language);
            for (place, category) in Category::ALL.into_iter().enumerate() {
                assert_eq!(category as usize, place, "texts stand in this order");
                let KindTexts { name, purpose, subjects } = texts.kind(category);
                assert!([name, purpose, subjects].iter().all(|text| text.len() > 3), "{category:?}");
            }
            let names: std::collections::HashSet<_> = texts.kinds.iter().map(|kind| kind.name).collect();
            assert_eq!(names.len(), texts.kinds.len());
        }
    }
}
