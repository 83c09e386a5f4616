//! Somebody with the bucket's own credentials and an ordinary client, who sees what is really there.

use std::fmt;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Region;
use aws_sdk_s3::types::{
    DefaultRetention, ObjectLockConfiguration, ObjectLockEnabled, ObjectLockRetentionMode, ObjectLockRule,
};
use earwitness::config::{S3Url, StoreUrl};

/// See the module.
pub struct Outsider {
    client: Client,
    url: S3Url,
}

/// One thing in the bucket.
pub struct Found {
    pub key: String,
    version: Option<String>,
    /// `version`, `marker` or `upload`.
    pub what: &'static str,
    pub bytes: Vec<u8>,
}

/// Its key, what it is, and its version.
impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3 {} {} {}", self.key, self.what, self.version.as_deref().unwrap_or("-"))
    }
}

/// `KEY:SECRET` as the AWS chain reads it from the environment.
pub fn aws_key(key: &str) -> [(&'static str, &str); 2] {
    let (id, secret) = key.split_once(':').expect("a key and its secret");
    [("AWS_ACCESS_KEY_ID", id), ("AWS_SECRET_ACCESS_KEY", secret)]
}

impl Outsider {
    /// In the bucket and below the prefix of this `s3://` address.
    pub async fn at(address: &str) -> Self {
        let Ok(StoreUrl::S3(url)) = address.parse() else { panic!("no bucket: {address}") };
        let region = Region::new(url.region.clone().expect("a region"));
        let loaded = aws_config::defaults(aws_config::BehaviorVersion::latest()).region(region).load().await;
        let config = aws_sdk_s3::config::Builder::from(&loaded)
            .endpoint_url(url.endpoint.clone().expect("an endpoint"))
            .force_path_style(url.path_style)
            .build();
        Self { client: Client::from_conf(config), url }
    }

    fn below(&self) -> String {
        if self.url.prefix.is_empty() { String::new() } else { format!("{}/", self.url.prefix) }
    }

    /// Every version with its bytes, every marker, every upload that was begun.
    pub async fn everything(&self) -> Vec<Found> {
        let mut found = Vec::new();
        let mut versions = self.client.list_object_versions().bucket(&self.url.bucket).prefix(self.below());
        loop {
            let page = versions.clone().send().await.expect("a listing");
            for version in page.versions() {
                let (key, id) = (version.key().expect("a key"), version.version_id());
                let get = self.client.get_object().bucket(&self.url.bucket).key(key);
                let body = get.set_version_id(id.map(str::to_owned)).send().await.expect("a version").body;
                let bytes = body.collect().await.expect("its bytes").to_vec();
                found.push(Found { key: key.to_owned(), version: id.map(str::to_owned), what: "version", bytes });
            }
            for marker in page.delete_markers() {
                let (key, version) = (marker.key().expect("a key").to_owned(), marker.version_id().map(str::to_owned));
                found.push(Found { key, version, what: "marker", bytes: Vec::new() });
            }
            if page.is_truncated() != Some(true) {
                break;
            }
            versions = versions
                .set_key_marker(page.next_key_marker().map(str::to_owned))
                .set_version_id_marker(page.next_version_id_marker().map(str::to_owned));
        }
        let uploads = self.client.list_multipart_uploads().bucket(&self.url.bucket).prefix(self.below());
        let page = uploads.send().await.expect("a listing");
        assert_ne!(page.is_truncated(), Some(true), "more uploads than one page has");
        for upload in page.uploads() {
            let (key, version) = (upload.key().expect("a key").to_owned(), upload.upload_id().map(str::to_owned));
            found.push(Found { key, version, what: "upload", bytes: Vec::new() });
        }
        found
    }

    /// Deletes an object as most people would: without naming a version, so that it is only hidden.
    pub async fn hide(&self, object: &str) {
        let key = format!("{}{object}", self.below());
        let hidden = self.client.delete_object().bucket(&self.url.bucket).key(key).send().await.expect("it is hidden");
        assert_eq!(hidden.delete_marker(), Some(true));
    }

    /// In which mode an object is locked.
    pub async fn lock_mode(&self, object: &str) -> String {
        let asked = self.client.get_object_retention().bucket(&self.url.bucket);
        let kept = asked.key(format!("{}{object}", self.below())).send().await.expect("a lock").retention;
        kept.and_then(|kept| kept.mode).expect("a mode").as_str().to_owned()
    }

    /// Has the bucket lock for a day whatever is written into it.
    pub async fn lock_by_default(&self) {
        let day = DefaultRetention::builder().mode(ObjectLockRetentionMode::Governance).days(1).build();
        let rule = ObjectLockRule::builder().default_retention(day).build();
        let lock =
            ObjectLockConfiguration::builder().object_lock_enabled(ObjectLockEnabled::Enabled).rule(rule).build();
        let put = self.client.put_object_lock_configuration().bucket(&self.url.bucket);
        put.object_lock_configuration(lock).send().await.expect("a default retention");
    }

    /// Writes over an object.
    pub async fn write(&self, object: &str, bytes: Vec<u8>) {
        let put = self.client.put_object().bucket(&self.url.bucket).key(format!("{}{object}", self.below()));
        put.body(bytes.into()).send().await.expect("it is written");
    }

    /// Copies every version that is there to another place, the older ones of an object first.
    pub async fn copy_to(&self, other: &Self) {
        for found in self.everything().await.into_iter().rev() {
            assert_eq!(found.what, "version", "{found}");
            let name = found.key.strip_prefix(&self.below()).expect("below its prefix");
            let put = other.client.put_object().bucket(&other.url.bucket).key(format!("{}{name}", other.below()));
            put.body(found.bytes.into()).send().await.expect("a copy");
        }
    }

    /// Begins an upload that nobody will complete.
    pub async fn begin_upload(&self, object: &str) {
        let begun = self.client.create_multipart_upload().bucket(&self.url.bucket);
        begun.key(format!("{}{object}", self.below())).send().await.expect("an upload begins");
    }

    /// Does this to the object, or to all below this prefix, with boto3, and gives what it printed: see
    /// `tests/outside/s3_client.py`.
    pub async fn boto(&self, what: &str, object: &str) -> String {
        self.boto_as(what, object, &[]).await
    }

    /// The same with another key (`KEY:SECRET`), in the environment of boto3.
    pub async fn boto_with(&self, key: &str, what: &str, object: &str) -> String {
        self.boto_as(what, object, &aws_key(key)).await
    }

    async fn boto_as(&self, what: &str, object: &str, env: &[(&str, &str)]) -> String {
        let python = std::env::var("EARWITNESS_TEST_PYTHON").expect("run the tests through ./test");
        let (endpoint, key) = (self.url.endpoint.as_deref().expect("an endpoint"), format!("{}{object}", self.below()));
        let run = tokio::process::Command::new(python)
            .args(["tests/outside/s3_client.py", what, endpoint, &self.url.bucket, &key])
            .envs(env.iter().copied())
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output();
        let output = run.await.expect("Python runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("a text").trim().to_owned()
    }

    /// Tries to delete each version of an object, as whoever wants to get rid of it would. Gives how many were refused
    /// for being locked.
    pub async fn try_to_delete(&self, object: &str) -> usize {
        let key = format!("{}{object}", self.below());
        let listed = self.client.list_object_versions().bucket(&self.url.bucket).prefix(&key);
        let mut refused = 0;
        for version in listed.send().await.expect("a listing").versions().iter().filter(|v| v.key() == Some(&key)) {
            let delete = self.client.delete_object().bucket(&self.url.bucket).key(&key);
            let deleted = delete.set_version_id(version.version_id().map(str::to_owned)).send().await;
            refused +=
                usize::from(deleted.is_err_and(|error| {
                    error.raw_response().is_some_and(|response| response.status().as_u16() == 403)
                }));
        }
        refused
    }
}
