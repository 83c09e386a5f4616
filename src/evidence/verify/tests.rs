//! That a package as we make it holds, and nothing else does.

use std::io::Cursor;

use super::{Pin, verify};
use crate::evidence::sample::{Sample, Spoilt, sample};
use crate::evidence::seal::Sealer as _;
use crate::evidence::zip::read::ZipReader;
use crate::ledger::signing::SigningKey;
use crate::ledger::verify::{KeyTrust, Outcome, Report, Subject};
use crate::signature::certificate::Known;

fn check(zip: &[u8], pins: &[&str]) -> Report {
    let pins: Vec<Pin> = pins.iter().map(|pin| pin.parse().unwrap()).collect();
    verify(Cursor::new(zip), &pins)
}

fn failed(report: &Report) -> Vec<&'static str> {
    report.checks.iter().filter(|check| check.outcome != Outcome::Passed).map(|check| check.name).collect()
}

async fn good() -> Sample {
    sample(None, |_| ()).await
}

#[tokio::test]
async fn a_package_holds_and_says_who_vouches_for_it() {
    let sample = good().await;
    let report = check(&sample.zip, &[]);
    assert!(report.ok() && report.subject == Subject::Package, "{report}");
    assert_eq!(report.conclusion(), "consistent; the key was not compared with one you trust");
    assert_eq!(report.checks.len(), 16, "{report}");
    let seal = Known::from_der(&sample.sealer.chain()[0]).unwrap();
    let (key, fingerprint) = (sample.key.public().fingerprint(), seal.fingerprint().unwrap());
    for pins in [vec![key.as_str()], vec![fingerprint.as_str()], vec![&key, &fingerprint], vec![seal.to_pem().as_str()]]
    {
        let report = check(&sample.zip, &pins);
        assert_eq!((failed(&report), report.conclusion()), (vec![], "verified"), "{report}");
    }
    let trust = |pins: &[&str]| {
        let report = check(&sample.zip, pins);
        (report.key.unwrap().trust, report.seal.unwrap().trust)
    };
    assert_eq!(trust(&[&key]), (KeyTrust::Pinned, KeyTrust::SelfStated));
    assert_eq!(trust(&[&fingerprint]), (KeyTrust::SelfStated, KeyTrust::Pinned));
    let other = SigningKey::generate().unwrap().public().fingerprint();
    for pins in [vec![other.as_str()], vec![&key, &other]] {
        let report = check(&sample.zip, &pins);
        assert_eq!((failed(&report), report.conclusion()), (vec!["trusted"], "NOT verified"));
    }
}

#[tokio::test]
async fn one_flipped_bit_anywhere_is_noticed() {
    let good = good().await.zip;
    // A prime, so that every field of every header is met in some file.
    for at in (0..good.len()).step_by(23) {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        assert!(!check(&bad, &[]).ok(), "byte {at}");
    }
    let signature = places(&good).into_iter().find(|(name, _)| name.ends_with(".p7s")).unwrap().1;
    for at in signature {
        let mut bad = good.clone();
        bad[at] ^= 1;
        refresh_checksums(&mut bad);
        assert!(!check(&bad, &[]).ok(), "byte {at} of the signature");
    }
}

/// Where each file's bytes are.
fn places(zip: &[u8]) -> Vec<(String, std::ops::Range<usize>)> {
    let reader = ZipReader::open(Cursor::new(zip)).unwrap();
    let range = |member: &crate::evidence::zip::Member| {
        let end = usize::try_from(member.end()).unwrap();
        (member.name.clone(), end - usize::try_from(member.byte_len).unwrap()..end)
    };
    reader.members().iter().map(range).collect()
}

/// Makes the ZIP's own checksums right again, as somebody who packs it anew would.
fn refresh_checksums(zip: &mut Vec<u8>) {
    let files: Vec<(String, Vec<u8>)> =
        places(zip).into_iter().map(|(name, range)| (name, zip[range].to_vec())).collect();
    *zip = pack(&files);
}

fn pack(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut writer, mut zip) = (crate::evidence::zip::write::ZipWriter::default(), Vec::new());
    for (name, bytes) in files {
        zip.extend(writer.file(name, bytes.len() as u64, crc32fast::hash(bytes)).unwrap());
        zip.extend_from_slice(bytes);
    }
    zip.extend(writer.finish());
    zip
}

#[tokio::test]
async fn each_file_in_turn_changed_left_out_or_added_is_noticed() {
    let sample = good().await;
    let files: Vec<(String, Vec<u8>)> =
        places(&sample.zip).into_iter().map(|(name, range)| (name, sample.zip[range].to_vec())).collect();
    assert!(check(&pack(&files), &[]).ok(), "packed anew, it is the same");
    for index in 0..files.len() {
        let mut changed = files.clone();
        changed[index].1[0] ^= 1;
        assert!(!check(&pack(&changed), &[]).ok(), "{} changed", files[index].0);
        let mut without = files.clone();
        without.remove(index);
        assert!(!check(&pack(&without), &[]).ok(), "without {}", files[index].0);
    }
    for extra in ["data/extra.txt", "extra.txt", "signature/extra.p7s", "signature/timestamp.tst", "data/9-x/audio.wav"]
    {
        let mut with = files.clone();
        with.push((format!("{}/{extra}", sample.folder), b"x".to_vec()));
        assert!(!check(&pack(&with), &[]).ok(), "with {extra}");
    }
    let other = "evidence-00000000-0000-4000-8000-000000000000";
    let renamed: Vec<_> =
        files.iter().map(|(name, bytes)| (name.replace(&sample.folder, other), bytes.clone())).collect();
    assert_eq!(failed(&check(&pack(&renamed), &[])), ["package"], "under another package's name");
    let mut beside = files;
    beside.push(("elsewhere.txt".to_owned(), b"x".to_vec()));
    assert_eq!(failed(&check(&pack(&beside), &[])), ["bag"]);
}

#[tokio::test]
async fn what_was_wrong_before_it_was_signed_is_noticed_as_well() {
    type Spoil = fn(&mut Spoilt);
    let cases: [(&str, Spoil); 6] = [
        ("audio", Spoilt::audio),
        ("recordings", Spoilt::recorded_at),
        ("custody", Spoilt::opening),
        ("handing over", Spoilt::begun),
        ("receipts", Spoilt::receipt),
        ("checkpoint", |spoilt| spoilt.signs = Some(SigningKey::generate().unwrap())),
    ];
    for (name, spoil) in cases {
        let report = check(&sample(None, spoil).await.zip, &[]);
        assert!(failed(&report).contains(&name) && !failed(&report).contains(&"signature"), "{name}: {report}");
    }
}

#[test]
fn what_is_no_package_is_refused() {
    for bytes in [b"".as_slice(), b"PK", b"PK\x05\x06", &[0; 4_096]] {
        assert_eq!(failed(&check(bytes, &[])), ["zip"]);
    }
    let nothing = pack(&[]);
    assert_eq!(failed(&check(&nothing, &[])), ["bag"]);
}
