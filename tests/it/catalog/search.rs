//! Search: every filter against a plain loop over the same recordings, and pages that neither skip nor repeat.

use earwitness::catalog::{Catalog, Filter, HoldRow, NewRecording, Page, ScopeFilter};
use earwitness::recording::{RecordingId, Status};
use uuid::Uuid;

use super::{at, insert, recording};
use crate::on_both_catalogs;
use crate::support::engines::CatalogPlace;

on_both_catalogs!(filters_find_what_a_loop_finds, pages_neither_skip_nor_repeat, what_is_over_is_not_found);

const NOW: &str = "2026-11-22T12:00:00Z";
const ALL: [Status; 4] = [Status::Accepted, Status::Quarantined, Status::Rejected, Status::Superseded];

fn everything() -> ScopeFilter {
    ScopeFilter { statuses: ALL.to_vec(), ..ScopeFilter::default() }
}

async fn ids(catalog: &Catalog, scope: &ScopeFilter, filter: &Filter) -> Vec<RecordingId> {
    let page = Page { after: None, limit: 200 };
    let rows = catalog.search(scope, filter, page, at(NOW)).await.expect("rows");
    rows.into_iter().map(|row| row.id).collect()
}

/// Sixty recordings that differ in account, product, day, status and two keyed hashes; every tenth is held.
async fn sixty(catalog: &Catalog) -> Vec<NewRecording> {
    let mut all = Vec::new();
    for n in 0..60_u8 {
        let day = n % 28 + 1;
        let mut new = recording(
            ["a", "b", "c"][usize::from(n % 3)],
            &format!("2026-02-{day:02}T10:00:{:02}Z", n % 60),
            &format!("2031-02-{day:02}T10:00:{:02}Z", n % 60),
        );
        new.product = (n % 2 == 0).then(|| "leads".to_owned());
        new.status = ALL[usize::from(n % 4)];
        new.lookups.of_call = vec![vec![n % 5; 32], vec![100 + n % 7; 32]];
        insert(catalog, &new).await;
        if n % 10 == 0 {
            let mut tx = catalog.begin().await.expect("a transaction");
            let case = Uuid::new_v4();
            tx.ensure_case(case, at(NOW), b"").await.expect("a case");
            tx.place_hold(&HoldRow::direct(Uuid::new_v4(), case, new.id, at(NOW))).await.expect("held");
            tx.commit().await.expect("committed");
        }
        all.push(new);
    }
    all
}

async fn filters_find_what_a_loop_finds(place: &CatalogPlace) {
    let catalog = place.open().await;
    let all = sixty(&catalog).await;
    let newest_first = |keep: &dyn Fn(usize, &NewRecording) -> bool| {
        let mut found: Vec<&NewRecording> =
            all.iter().enumerate().filter(|(n, r)| keep(*n, r)).map(|(_, r)| r).collect();
        found.sort_by_key(|r| std::cmp::Reverse((r.recorded_at, r.id.to_string())));
        found.into_iter().map(|r| r.id).collect::<Vec<_>>()
    };
    let from = at("2026-02-10T00:00:00Z");
    let filter = Filter { from: Some(from), to: Some(at("2026-02-20T00:00:00Z")), ..Filter::default() };
    let within = newest_first(&|_, r| r.recorded_at >= from && r.recorded_at < at("2026-02-20T00:00:00Z"));
    assert_eq!(ids(&catalog, &everything(), &filter).await, within);
    let filter = Filter { accounts: Some(vec!["b".into()]), product: Some("leads".into()), ..Filter::default() };
    assert_eq!(ids(&catalog, &everything(), &filter).await, newest_first(&|n, _| n % 3 == 1 && n % 2 == 0));
    let filter = Filter { status: Some(Status::Quarantined), ..Filter::default() };
    assert_eq!(ids(&catalog, &everything(), &filter).await, newest_first(&|n, _| n % 4 == 1));
    for held in [true, false] {
        let filter = Filter { held: Some(held), ..Filter::default() };
        assert_eq!(ids(&catalog, &everything(), &filter).await, newest_first(&|n, _| (n % 10 == 0) == held));
    }
    // One field under several months, and two fields at once.
    let filter = Filter { macs: vec![vec![vec![1; 32], vec![2; 32]], vec![vec![103; 32]]], ..Filter::default() };
    let both = newest_first(&|n, _| [1, 2].contains(&(n % 5)) && n % 7 == 3);
    assert_eq!(ids(&catalog, &everything(), &filter).await, both);
    let scope = ScopeFilter {
        held_past_deadline: false,
        accounts: Some(vec!["a".into()]),
        or_macs: vec![vec![101; 32]],
        statuses: vec![Status::Accepted],
    };
    let seen = newest_first(&|n, _| n % 4 == 0 && (n % 3 == 0 || n % 7 == 1));
    assert_eq!(ids(&catalog, &scope, &Filter::default()).await, seen);
    let only_agent = ScopeFilter { accounts: Some(vec![]), ..scope.clone() };
    assert_eq!(ids(&catalog, &only_agent, &Filter::default()).await, newest_first(&|n, _| n % 4 == 0 && n % 7 == 1));
}

async fn pages_neither_skip_nor_repeat(place: &CatalogPlace) {
    let catalog = place.open().await;
    let all = sixty(&catalog).await;
    let whole = ids(&catalog, &everything(), &Filter::default()).await;
    assert_eq!(whole.len(), all.len());
    let (mut after, mut paged) = (None, Vec::new());
    loop {
        let page = Page { after, limit: 7 };
        let rows = catalog.search(&everything(), &Filter::default(), page, at(NOW)).await.expect("rows");
        let Some(last) = rows.last() else { break };
        after = Some((last.recorded_at, last.id));
        paged.extend(rows.iter().map(|row| row.id));
    }
    assert_eq!(paged, whole);
}

async fn what_is_over_is_not_found(place: &CatalogPlace) {
    let catalog = place.open().await;
    let over = recording("a", "2021-11-22T12:00:00Z", NOW);
    insert(&catalog, &over).await;
    assert!(ids(&catalog, &everything(), &Filter::default()).await.is_empty(), "at its very deadline");
    let nobody = ScopeFilter { accounts: Some(vec![]), ..everything() };
    assert!(ids(&catalog, &nobody, &Filter::default()).await.is_empty());
    assert!(ids(&catalog, &ScopeFilter::default(), &Filter::default()).await.is_empty(), "no status, nothing");
    let nothing = Filter { macs: vec![vec![]], ..Filter::default() };
    assert!(ids(&catalog, &everything(), &nothing).await.is_empty(), "no live month, nothing to find");
}
