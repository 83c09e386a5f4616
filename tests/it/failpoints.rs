//! Every fail point in the source is in a test that dies there, and every one in a test is in the source.

use std::collections::BTreeSet;
use std::path::Path;

use crate::crash::points::{
    ACCOUNT, ACCOUNT_END, CASE, CASE_END, DECISION, ERASURE, EVIDENCE, INGEST, LEAVING, LOCKED, LONG_INGEST, MERGE,
    MONTH, PURGE, RELATED, RELEASE, RULE, STATISTICS,
};
use crate::migrate::{CATALOG_POINTS, KEYS_POINTS, STORE_POINTS};
use crate::rebuild::REBUILD_POINTS;

/// Where [`earwitness::failpoint::hit`] itself is.
const DEFINITION: &str = "failpoint.rs";

fn collect(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, names);
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with(DEFINITION) {
            let source = std::fs::read_to_string(&path).expect("a source file");
            for (_, call) in source.match_indices("failpoint::hit(").map(|(at, call)| source[at..].split_at(call.len()))
            {
                let name = call.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"'));
                let (name, _) = name.unwrap_or_else(|| panic!("{}: a name that is not written out", path.display()));
                names.insert(name.to_owned());
            }
        }
    }
}

#[test]
fn each_is_died_at() {
    let mut in_source = BTreeSet::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut in_source);
    let related = RELATED.iter().map(|(point, _)| *point);
    let packages = EVIDENCE.iter().map(|(point, _)| *point);
    let stores = STORE_POINTS.iter().map(|(point, _)| *point);
    let lists = INGEST
        .all()
        .chain(LONG_INGEST.iter().copied())
        .chain(PURGE.all())
        .chain(MONTH.all())
        .chain(STATISTICS.iter().copied())
        .chain(ACCOUNT.iter().copied())
        .chain(ACCOUNT_END.iter().copied())
        .chain(LEAVING.iter().copied())
        .chain(ERASURE.iter().copied())
        .chain(LOCKED.iter().copied())
        .chain(CASE.iter().copied())
        .chain(CASE_END.iter().copied())
        .chain(RELEASE.iter().copied())
        .chain(REBUILD_POINTS.iter().copied())
        .chain(stores)
        .chain(CATALOG_POINTS.iter().copied())
        .chain(KEYS_POINTS.iter().copied())
        .chain(related)
        .chain(packages);
    let in_tests: BTreeSet<String> = lists.chain([DECISION, MERGE, RULE]).map(str::to_owned).collect();
    let untested: Vec<_> = in_source.difference(&in_tests).collect();
    assert!(untested.is_empty(), "no test dies at {untested:?}");
    let gone: Vec<_> = in_tests.difference(&in_source).collect();
    assert!(gone.is_empty(), "not in the source: {gone:?}");
}
