//! The bucket's lifecycle rules: two of ours, which sweep up what crashes leave; others' stay as they are.
//!
//! Ours never touch a current version. Noncurrent ones are expired only below `rec/` and only where Object Lock
//! protects what is not due: there, what is noncurrent and unlocked is a leftover. Without Object Lock a recording
//! that somebody deleted by mistake would be one too, so then there is no such rule.

use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ChecksumAlgorithm, ExpirationStatus,
    LifecycleExpiration, LifecycleRule, LifecycleRuleFilter, NoncurrentVersionExpiration,
};

use super::S3Store;
use super::error::{Refusal, failed, refusal, unavailable};
use super::init::SetUp;
use crate::vault::objects::{Prefix, StoreError};

/// After so many days an upload that nobody completed is aborted. No upload takes so long.
const UPLOAD_DAYS: i32 = 2;

/// After so many days as noncurrent a leftover goes: longer than the month whose key it may hold still lasts, so that
/// the key is destroyed first, and long enough for a mistake to be noticed.
const NONCURRENT_DAYS: i32 = 35;

/// Sets our rules where they are not as they should be.
pub(super) async fn set(store: &S3Store, locks: bool, done: &mut SetUp) -> Result<(), StoreError> {
    let found = match store.client.get_bucket_lifecycle_configuration().bucket(&*store.bucket).send().await {
        Ok(answer) => answer.rules.unwrap_or_default(),
        Err(error) => match refusal(&error) {
            Refusal::Unsupported | Refusal::Missing => Vec::new(),
            // Ours take the place of all that there are: rules that are not told would be lost.
            Refusal::Invalid => {
                done.warnings.push("the store does not tell its lifecycle rules, so none were set".to_owned());
                return Ok(());
            }
            _ => return Err(failed(error)),
        },
    };
    let wanted = rules(store, locks)?;
    let (ours, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|rule| is_ours(store, rule));
    done.warnings.extend(others.iter().filter_map(|rule| danger(store, rule)));
    if ours.len() == wanted.len() && wanted.iter().all(|wanted| ours.iter().any(|found| same(found, wanted))) {
        return Ok(());
    }
    let rules = others.into_iter().chain(wanted).collect();
    let all = BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build();
    let all = all.map_err(|error| unavailable(error.to_string()))?;
    let request = store.client.put_bucket_lifecycle_configuration().bucket(&*store.bucket).lifecycle_configuration(all);
    match request.checksum_algorithm(ChecksumAlgorithm::Sha256).send().await {
        Ok(_) => done.changed.push("set the lifecycle rules that sweep up leftovers".to_owned()),
        Err(error) => match refusal(&error) {
            Refusal::Unsupported | Refusal::Invalid => {
                done.warnings.push("the store takes no lifecycle rules: Earwitness alone sweeps up".to_owned());
            }
            _ => return Err(failed(error)),
        },
    }
    Ok(())
}

fn id(store: &S3Store, what: &str) -> String {
    format!("earwitness {what} {}", store.prefix)
}

fn is_ours(store: &S3Store, rule: &LifecycleRule) -> bool {
    ["uploads", "noncurrent"].iter().any(|what| rule.id() == Some(id(store, what).as_str()))
}

fn rules(store: &S3Store, locks: bool) -> Result<Vec<LifecycleRule>, StoreError> {
    let rule = |what: &str, prefix: String| {
        let filter = LifecycleRuleFilter::builder().prefix(prefix).build();
        LifecycleRule::builder().id(id(store, what)).filter(filter).status(ExpirationStatus::Enabled)
    };
    let abort = AbortIncompleteMultipartUpload::builder().days_after_initiation(UPLOAD_DAYS).build();
    let mut rules = vec![rule("uploads", store.name("")).abort_incomplete_multipart_upload(abort).build()];
    if locks {
        let expire = NoncurrentVersionExpiration::builder().noncurrent_days(NONCURRENT_DAYS).build();
        let markers = LifecycleExpiration::builder().expired_object_delete_marker(true).build();
        let noncurrent = rule("noncurrent", store.name(Prefix::recordings().as_str()));
        rules.push(noncurrent.noncurrent_version_expiration(expire).expiration(markers).build());
    }
    rules.into_iter().collect::<Result<_, _>>().map_err(|error| unavailable(error.to_string()))
}

/// Whether a rule says what it should; stores fill in defaults elsewhere.
fn same(found: &LifecycleRule, wanted: &LifecycleRule) -> bool {
    let days = |rule: &LifecycleRule| {
        let uploads = rule.abort_incomplete_multipart_upload().and_then(|abort| abort.days_after_initiation());
        let noncurrent = rule.noncurrent_version_expiration().and_then(|expire| expire.noncurrent_days());
        (uploads, noncurrent)
    };
    let prefix = |rule: &LifecycleRule| rule.filter().and_then(|filter| filter.prefix()).unwrap_or("").to_owned();
    found.id() == wanted.id()
        && found.status() == wanted.status()
        && days(found) == days(wanted)
        && prefix(found) == prefix(wanted)
        && !expires_current(found)
}

fn expires_current(rule: &LifecycleRule) -> bool {
    rule.expiration().is_some_and(|expire| expire.days().is_some_and(|days| days > 0) || expire.date().is_some())
}

/// What is to be known of somebody else's rule.
fn danger(store: &S3Store, rule: &LifecycleRule) -> Option<String> {
    #[expect(deprecated, reason = "old rules have their prefix there")]
    let prefix = rule.filter().and_then(|filter| filter.prefix()).or(rule.prefix()).unwrap_or("");
    let meets = prefix.starts_with(&*store.prefix) || store.prefix.starts_with(prefix);
    let is_on = *rule.status() == ExpirationStatus::Enabled;
    let deletes = expires_current(rule) || rule.noncurrent_version_expiration().is_some();
    (meets && is_on && deletes).then(|| {
        format!(
            "a lifecycle rule of the bucket deletes objects of this store: {}",
            rule.id().unwrap_or("without an id")
        )
    })
}
