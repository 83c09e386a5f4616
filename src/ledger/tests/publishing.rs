//! Tiles and bundles against an independent reading of C2SP tlog-tiles, and the way back from them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Log, naive_root};
use crate::ledger::LedgerError;
use crate::ledger::rebuild::Rebuild;
use crate::ledger::tiles::{self, Content, Tile};

/// The paths that a tree of `size` is made of, straight from the text of the specification.
fn expected_paths(size: u64) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    let names = (0..6).map(|level: u32| (level.to_string(), size / 256u64.pow(level)));
    for (name, count) in names.chain([("entries".to_owned(), size)]) {
        for index in 0..count.div_ceil(256) {
            let width = (count - index * 256).min(256);
            let suffix = if width < 256 { format!(".p/{width}") } else { String::new() };
            assert!(index < 1000);
            paths.insert(format!("tile/{name}/{index:03}{suffix}"));
        }
    }
    paths
}

fn publish(log: &Log, files: &[Tile]) -> BTreeMap<String, Vec<u8>> {
    let bytes = |tile: &Tile| match tile.content() {
        Content::Hashes(_) => tile.hashes(&log.stored).unwrap(),
        Content::Entries => {
            let range = tile.entries();
            let place = |n: u64| usize::try_from(n).unwrap();
            tiles::encode_bundle(&log.leaves[place(range.start)..place(range.end)]).unwrap()
        }
    };
    files.iter().map(|tile| (tile.path(), bytes(tile))).collect()
}

#[test]
fn a_path_reads_back_and_no_other_text_does() {
    let all = tiles::to_publish(0, 70_000).unwrap();
    // The example of the specification: 273 full and one partial of 112, one full and one of 17, one of 1.
    let level = |n| all.iter().filter(|tile| tile.content() == Content::Hashes(n)).map(Tile::path).collect::<Vec<_>>();
    assert_eq!((level(0).len(), level(0)[273].as_str()), (274, "tile/0/273.p/112"));
    assert_eq!(
        (level(1), level(2)),
        (vec!["tile/1/000".into(), "tile/1/001.p/17".into()], vec!["tile/2/000.p/1".into()])
    );
    assert!(all.iter().all(|tile| tile.path().parse::<Tile>().unwrap() == *tile));
    let deep: Tile = "tile/entries/x001/x234/067".parse().unwrap();
    assert_eq!((deep.index(), deep.path().as_str()), (1_234_067, "tile/entries/x001/x234/067"));
    for bad in [
        "",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/6/000",
        "tile/-1/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/data/000",
        "tile/0/x000/001",
        "tile/0/001/001",
        "tile/0/x001/x001",
        "/tile/0/000",
        "tile/0/../000",
        "tile/0/+01",
        "tile/0/xx01/001",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        "tile/0/000.p/1.p/1",
        "tile/0/000\n",
    ] {
        assert!(bad.parse::<Tile>().is_err(), "{bad}");
    }
}

#[test]
fn whatever_the_jumps_the_files_are_those_of_the_specification() {
    let log = Log::of(600);
    for step in [1, 7, 100, 255, 256, 257, 600] {
        let (mut old, mut published, mut expected) = (0, BTreeMap::new(), BTreeSet::new());
        while old < 600 {
            let new = (old + step).min(600);
            let files = tiles::to_publish(old, new).unwrap();
            for (path, bytes) in publish(&log, &files) {
                assert!(published.insert(path.clone(), bytes).is_none(), "{path} is published twice");
            }
            expected.extend(expected_paths(new));
            assert!(published.keys().eq(&expected), "at {new}, step {step}");
            old = new;
        }
    }
}

#[test]
fn a_tile_holds_the_roots_of_its_subtrees() {
    let log = Log::of(600);
    let files = publish(&log, &tiles::to_publish(0, 600).unwrap());
    let hashes: Vec<u8> = log.leaves[256..512].iter().flat_map(|leaf| naive_root(std::slice::from_ref(leaf))).collect();
    assert_eq!(files["tile/0/001"], hashes);
    assert_eq!(files["tile/1/000.p/2"], [naive_root(&log.leaves[..256]), naive_root(&log.leaves[256..512])].concat());
    let bundle = &files["tile/entries/002.p/88"];
    assert_eq!(&bundle[..10], b"\x00\x08leaf 512");
    assert_eq!(tiles::parse_bundle(bundle, 88).unwrap(), &log.leaves[512..600]);
}

#[test]
fn narrower_files_go_once_the_full_one_is_there() {
    let path = |tiles: Vec<Tile>| tiles.iter().map(Tile::path).collect::<Vec<_>>();
    assert_eq!(path(tiles::superseded(100, 255).unwrap()), Vec::<String>::new());
    assert_eq!(path(tiles::superseded(100, 256).unwrap()), ["tile/0/000", "tile/entries/000"]);
    assert_eq!(path(tiles::superseded(256, 600).unwrap()), Vec::<String>::new(), "nothing partial had been there");
    assert_eq!(path(tiles::superseded(65_535, 65_536).unwrap()), ["tile/0/255", "tile/1/000", "tile/entries/255"]);
    assert!(matches!(tiles::superseded(2, 1), Err(LedgerError::BeyondTree)));
    assert!(matches!(tiles::to_publish(0, u64::MAX), Err(LedgerError::TooLarge)));
}

#[test]
fn a_bundle_that_is_cut_off_or_too_long_is_refused() {
    let leaves: Vec<Vec<u8>> = vec![b"one".to_vec(), vec![], b"three".to_vec()];
    let bytes = tiles::encode_bundle(&leaves).unwrap();
    assert_eq!(tiles::parse_bundle(&bytes, 3).unwrap(), leaves);
    for length in 0..bytes.len() {
        assert!(tiles::parse_bundle(&bytes[..length], 3).is_err(), "{length}");
    }
    assert!(tiles::parse_bundle(&bytes, 2).is_err());
    assert!(tiles::parse_bundle(&bytes, 4).is_err());
    assert!(tiles::parse_bundle(&[&bytes[..], &[0]].concat(), 3).is_err());
    assert!(tiles::encode_bundle(&[vec![0; 65_536]]).is_err());
    assert!(tiles::encode_bundle::<Vec<u8>>(&[]).is_err());
}

#[test]
fn the_tree_comes_back_from_its_bundles_at_every_size() {
    let log = Log::of(600);
    for size in 0..=600 {
        let target = log.head(size);
        for known in [0, size / 2, size.saturating_sub(1), size] {
            let mut rebuild = Rebuild::resume(target, known, &log.stored).unwrap();
            let mut leaves = log.leaves[..usize::try_from(known).unwrap()].to_vec();
            let files = publish(&log, &rebuild.bundles().unwrap());
            for tile in rebuild.bundles().unwrap() {
                let rebuilt = rebuild.add(&tile, &files[&tile.path()]).unwrap();
                assert_eq!(rebuilt.first, leaves.len() as u64);
                leaves.extend(rebuilt.leaves);
            }
            assert_eq!(rebuild.finish().unwrap(), target);
            assert_eq!(leaves, log.leaves[..usize::try_from(size).unwrap()]);
        }
    }
}

#[test]
fn a_wider_bundle_serves_for_a_partial_one_and_a_wrong_one_does_not() {
    let log = Log::of(600);
    let target = log.head(300);
    let full = publish(&log, &tiles::to_publish(0, 512).unwrap());
    let read = |second: &[u8]| {
        let mut rebuild = Rebuild::new(target);
        let wanted = rebuild.bundles().unwrap();
        assert_eq!(wanted.iter().map(Tile::path).collect::<Vec<_>>(), ["tile/entries/000", "tile/entries/001.p/44"]);
        assert!(matches!(rebuild.add(&wanted[1], second), Err(LedgerError::Gap { next: 0 })), "out of turn");
        rebuild.add(&wanted[0], &full["tile/entries/000"]).unwrap();
        let rebuilt = rebuild.add(&wanted[1].full(), second)?;
        assert_eq!(rebuilt.leaves.len(), 44);
        rebuild.finish()
    };
    assert_eq!(read(&full["tile/entries/001"]).unwrap(), target);
    let mut changed = full["tile/entries/001"].clone();
    changed[5] ^= 1;
    assert!(matches!(read(&changed), Err(LedgerError::RootMismatch)));
    assert!(matches!(read(&changed[..900]), Err(LedgerError::Bundle(_))));
}

#[test]
fn a_rebuild_that_ends_early_or_from_another_tree_is_noticed() {
    let log = Log::of(600);
    let files = publish(&log, &tiles::bundles(600).unwrap());
    let mut rebuild = Rebuild::new(log.head(600));
    let wanted = rebuild.bundles().unwrap();
    rebuild.add(&wanted[0], &files[&wanted[0].path()]).unwrap();
    assert!(matches!(rebuild.finish(), Err(LedgerError::Gap { next: 256 })));

    let mut other = Log::default();
    other.append((0..300).map(|n| format!("other {n}").into_bytes()).collect());
    let mut rebuild = Rebuild::resume(log.head(600), 300, &other.stored).unwrap();
    for tile in rebuild.bundles().unwrap() {
        rebuild.add(&tile, &files[&tile.path()]).unwrap();
    }
    assert!(matches!(rebuild.finish(), Err(LedgerError::RootMismatch)));
    assert!(matches!(Rebuild::resume(log.head(5), 6, &log.stored), Err(LedgerError::BeyondTree)));
}
