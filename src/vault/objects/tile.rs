//! The name of a ledger tile, as C2SP tlog-tiles writes it: `<level>/<index>[.p/<width>]`.

use std::fmt;
use std::str::FromStr;

use crate::recording::UnknownName;

/// One tile of the ledger's tree, or one bundle of its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileKey {
    /// The height in the tree, 0 to 63; none for a bundle of entries.
    level: Option<u8>,
    /// The number of the tile within its level.
    index: u64,
    /// How many hashes or entries a partial tile has, 1 to 255; none for a full one of 256.
    width: Option<u8>,
}

impl TileKey {
    /// A tile of hashes. `level` 0 to 63; `width` none for a full tile, else 1 to 255.
    pub fn hashes(level: u8, index: u64, width: Option<u8>) -> Result<Self, UnknownName> {
        if level > 63 || width == Some(0) { Err(UnknownName) } else { Ok(Self { level: Some(level), index, width }) }
    }

    /// A bundle of entries. `width` none for a full bundle, else 1 to 255.
    pub fn entries(index: u64, width: Option<u8>) -> Result<Self, UnknownName> {
        if width == Some(0) { Err(UnknownName) } else { Ok(Self { level: None, index, width }) }
    }

    /// The height in the tree; none for a bundle of entries.
    pub fn level(&self) -> Option<u8> {
        self.level
    }

    /// The full tile of which this one is a part.
    #[must_use]
    pub fn full(&self) -> Self {
        Self { width: None, ..*self }
    }

    /// The number within the level.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The width of a partial tile; none for a full one.
    pub fn width(&self) -> Option<u8> {
        self.width
    }
}

/// The index goes in groups of three digits, all but the last with an `x` before it.
impl fmt::Display for TileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level {
            Some(level) => write!(f, "{level}")?,
            None => f.write_str("entries")?,
        }
        let mut groups = vec![self.index % 1_000];
        let mut rest = self.index / 1_000;
        while rest > 0 {
            groups.push(rest % 1_000);
            rest /= 1_000;
        }
        for (place, group) in groups.iter().enumerate().rev() {
            write!(f, "/{}{group:03}", if place == 0 { "" } else { "x" })?;
        }
        self.width.map_or(Ok(()), |width| write!(f, ".p/{width}"))
    }
}

impl FromStr for TileKey {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let (level, rest) = text.split_once('/').ok_or(UnknownName)?;
        let (digits, width) = match rest.split_once(".p/") {
            Some((digits, width)) => (digits, Some(width.parse().map_err(|_| UnknownName)?)),
            None => (rest, None),
        };
        let digits: String = digits.chars().filter(|c| !matches!(c, 'x' | '/')).collect();
        let index = digits.parse().map_err(|_| UnknownName)?;
        let key = match level {
            "entries" => Self::entries(index, width)?,
            level => Self::hashes(level.parse().map_err(|_| UnknownName)?, index, width)?,
        };
        if key.to_string() == text { Ok(key) } else { Err(UnknownName) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_examples_of_the_specification() {
        assert_eq!(TileKey::hashes(0, 1_234_067, None).unwrap().to_string(), "0/x001/x234/067");
        assert_eq!(TileKey::hashes(1, 273, Some(5)).unwrap().to_string(), "1/273.p/5");
        assert_eq!(TileKey::entries(0, Some(255)).unwrap().to_string(), "entries/000.p/255");
    }

    #[test]
    fn reads_what_it_writes_and_nothing_else() {
        for text in ["0/000", "63/x018/x446/x744/x073/x709/x551/615.p/1", "entries/x001/000"] {
            assert_eq!(text.parse::<TileKey>().unwrap().to_string(), text);
        }
        let bad = ["", "0", "0/", "0/1", "0/x000/001", "64/000", "0/001.p/0", "0/001.p/256", "0/../001", "+0/001"];
        for text in bad {
            assert!(text.parse::<TileKey>().is_err(), "{text}");
        }
    }
}
