//! That a package as we make it holds, and nothing else does.

use std::io::Cursor;

use super::{Pin, verify};
use crate::evidence::bag::{BagWriter, TAG_MANIFEST};
use crate::evidence::close::{SIGNATURE, close};
use crate::evidence::sample::{Sample, Spoilt, sample};
use crate::evidence::seal::Sealer as _;
use crate::evidence::shapes::PackageFacts;
use crate::evidence::zip::read::ZipReader;
use crate::evidence::{names, parts};
use crate::ledger::signing::SigningKey;
use crate::ledger::verify::{KeyTrust, Outcome, Report, Subject};
use crate::signature::algorithm::is_lower_half;
use crate::signature::build::{Unsigned, sha256_of};
use crate::signature::certificate::Known;
use crate::signature::signed::Signed;

fn check(zip: &[u8], pins: &[&str]) -> Report {
    let pins: Vec<Pin> = pins.iter().map(|pin| pin.parse().unwrap()).collect();
    verify(Cursor::new(zip), &pins, None)
}

fn failed(report: &Report) -> Vec<&'static str> {
    report.checks.iter().filter(|check| check.outcome == Outcome::Failed).map(|check| check.name).collect()
}

fn noted(report: &Report) -> Vec<&'static str> {
    report.checks.iter().filter(|check| check.outcome == Outcome::Noted).map(|check| check.name).collect()
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
        let is_by_ledger_alone = pins == [key.as_str()];
        let (open, conclusion) = match is_by_ledger_alone {
            true => (vec!["covered"], "verified, but for what is noted above"),
            false => (vec![], "verified"),
        };
        assert_eq!((failed(&report), noted(&report), report.conclusion()), (vec![], open, conclusion), "{report}");
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

/// What somebody who holds the seal's key can make of a package: other files, listed and signed anew.
async fn signed_anew(sample: &Sample, edit: impl Fn(&mut Vec<(String, Vec<u8>)>)) -> Vec<u8> {
    let payload = format!("{}/data/", sample.folder);
    let all = places(&sample.zip).into_iter();
    let of_payload =
        all.filter_map(|(name, range)| Some((name.strip_prefix(&payload)?.to_owned(), sample.zip[range].to_vec())));
    let mut files: Vec<(String, Vec<u8>)> = of_payload.collect();
    edit(&mut files);
    let package: PackageFacts =
        serde_json::from_slice(&files.iter().find(|(name, _)| name == names::PACKAGE).unwrap().1).unwrap();
    let mut bag = BagWriter::new(package.package_id);
    let mut zip = bag.declaration().unwrap();
    for (name, bytes) in &files {
        zip.extend(bag.payload(name, bytes).unwrap());
    }
    let info = parts::bag_info(&package);
    let info: Vec<_> = info.iter().map(|(label, value)| (*label, value.as_str())).collect();
    let (tags, tag_manifest) = bag.tags(&info).unwrap();
    zip.extend(tags);
    for (name, bytes) in close(&tag_manifest, package.made_at, &sample.sealer, None).await.unwrap() {
        zip.extend(bag.signature(name, &bytes).unwrap());
    }
    zip.extend(bag.finish());
    zip
}

fn edited<'a>(files: &'a mut [(String, Vec<u8>)], end: &str) -> &'a mut Vec<u8> {
    &mut files.iter_mut().find(|(name, _)| name.ends_with(end)).unwrap().1
}

/// Leaves a line of the first recording's custody out, and its proof.
fn drop_entry(files: &mut Vec<(String, Vec<u8>)>, line: usize) {
    let list = edited(files, "custody.jsonl");
    let text = String::from_utf8(list.clone()).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    let dropped: serde_json::Value = serde_json::from_str(lines.remove(line)).unwrap();
    *list = (lines.join("\n") + "\n").into_bytes();
    let proof = format!("/{}.tlog-proof", dropped["seq"]);
    files.retain(|(name, _)| !name.ends_with(&proof));
}

fn change(files: &mut [(String, Vec<u8>)], end: &str, from: &str, to: &str) {
    let bytes = edited(files, end);
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(text.contains(from), "{text}");
    *bytes = text.replacen(from, to, 1).into_bytes();
}

#[tokio::test]
async fn whoever_has_the_seal_alone_can_say_nothing_else() {
    type Edit = fn(&mut Vec<(String, Vec<u8>)>);
    let sample = good().await;
    let key = sample.key.public().fingerprint();
    let same = signed_anew(&sample, |_| ()).await;
    assert_eq!(check(&same, &[&key]).conclusion(), "verified, but for what is noted above");
    let cases: [(&str, Edit); 10] = [
        ("a recording left out", |files| {
            files.retain(|(name, _)| !name.starts_with("2-"));
            let mut package: PackageFacts = serde_json::from_slice(edited(files, names::PACKAGE)).unwrap();
            package.recordings.pop();
            *edited(files, names::PACKAGE) = parts::json(&package).unwrap();
        }),
        ("recordings in another order", |files| {
            let mut package: PackageFacts = serde_json::from_slice(edited(files, names::PACKAGE)).unwrap();
            package.recordings.reverse();
            *edited(files, names::PACKAGE) = parts::json(&package).unwrap();
        }),
        ("an entry left out", |files| drop_entry(files, 1)),
        ("the entry of the package left out", |files| drop_entry(files, 2)),
        ("the custody of the two exchanged", |files| {
            let name = |number: &str, files: &[(String, Vec<u8>)]| {
                files.iter().find(|(name, _)| name.starts_with(number)).unwrap().0.split('/').next().unwrap().to_owned()
            };
            let (one, two) = (name("1-", files), name("2-", files));
            for (path, _) in files.iter_mut().filter(|(path, _)| path.contains("/custody")) {
                *path = if path.starts_with(&one) { path.replace(&one, &two) } else { path.replace(&two, &one) };
            }
        }),
        ("an entry that is not told of exchanged", |files| {
            // The hold of the second recording for that of the first: neither names whose it is.
            let other = String::from_utf8(edited(&mut files[8..], "custody.jsonl").clone()).unwrap();
            let own = String::from_utf8(edited(files, "custody.jsonl").clone()).unwrap();
            let (own, other): (Vec<&str>, Vec<&str>) = (own.lines().collect(), other.lines().collect());
            let mixed = [own[0], other[1], own[2]].join("\n") + "\n";
            *edited(files, "custody.jsonl") = mixed.into_bytes();
        }),
        ("recording.json", |files| change(files, names::RECORDING, "\"account_id\": \"a\"", "\"account_id\": \"b\"")),
        ("who made it", |files| change(files, names::PACKAGE, "\"made_by\": \"an\"", "\"made_by\": \"bo\"")),
        ("when it was made", |files| change(files, names::PACKAGE, "T00:00:01", "T00:00:02")),
        ("the case", |files| change(files, names::PACKAGE, "2026/3", "2026/4")),
    ];
    for (name, edit) in cases {
        let report = check(&signed_anew(&sample, edit).await, &[&key]);
        let failed = failed(&report);
        assert!(failed.contains(&"handing over") && !failed.contains(&"signature"), "{name}: {report}");
    }
    let page = signed_anew(&sample, |files| change(files, names::REPORT, "report", "another")).await;
    let report = check(&page, &[&key]);
    assert_eq!((failed(&report), noted(&report)), (vec![], vec!["covered"]), "the seal alone vouches for the page");
}

/// The other form of a signature on P-256: r stays, s becomes the order less s. The order is odd.
fn upper_half(low: &[u8]) -> Vec<u8> {
    const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let r_end = 4 + usize::from(low[3]);
    let (r, s) = (&low[2..r_end], &low[r_end + 2..]);
    let mut other = hex::decode(ORDER).unwrap();
    let (mut borrow, offset) = (0i16, 32 - s.len().min(32));
    for place in (0..32).rev() {
        let digit = if place < offset { 0 } else { i16::from(s[s.len() + place - 32]) };
        let left = i16::from(other[place]) - digit - borrow;
        borrow = i16::from(left < 0);
        other[place] = left.rem_euclid(256) as u8;
    }
    let mut high = [r, &[2, 33, 0], &other].concat();
    high.splice(0..0, [0x30, u8::try_from(high.len()).unwrap()]);
    high
}

#[tokio::test]
async fn the_other_form_of_the_same_signature_is_refused() {
    let sample = good().await;
    let files: Vec<(String, Vec<u8>)> =
        places(&sample.zip).into_iter().map(|(name, range)| (name, sample.zip[range].to_vec())).collect();
    let own = &files.iter().find(|(name, _)| name.ends_with(SIGNATURE)).unwrap().1;
    let low = Signed::parse(own).unwrap().signature().to_vec();
    assert!(is_lower_half(&low).unwrap(), "ours is the lower");
    let high = upper_half(&low);
    assert!(!is_lower_half(&high).unwrap());
    let tag_manifest = files.iter().find(|(name, _)| name.ends_with(TAG_MANIFEST)).unwrap().1.clone();
    let at = Signed::parse(own).unwrap().signing_time().unwrap();
    let unsigned = Unsigned::new(&sha256_of(&tag_manifest).unwrap(), at, sample.sealer.chain()).unwrap();
    let other = unsigned.with(high).to_der().unwrap();
    assert!(Signed::parse(&other).unwrap().check(&tag_manifest).is_ok(), "mathematically it holds");
    let mut changed = files.clone();
    changed.iter_mut().find(|(name, _)| name.ends_with(SIGNATURE)).unwrap().1 = other;
    assert_eq!(failed(&check(&pack(&changed), &[])), ["signature"]);
}

#[test]
fn what_is_no_package_is_refused() {
    for bytes in [b"".as_slice(), b"PK", b"PK\x05\x06", &[0; 4_096]] {
        assert_eq!(failed(&check(bytes, &[])), ["zip"]);
    }
    let nothing = pack(&[]);
    assert_eq!(failed(&check(&nothing, &[])), ["bag"]);
}
