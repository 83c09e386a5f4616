//! How AWS is talked to: credentials from the standard chain, bounded times, a few retries, one TLS stack.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_kms::Client;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};

use super::KmsOptions;

/// Time to reach the service.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for one attempt.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for a question with all its attempts.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(20);
/// Attempts for one question; the SDK waits in between, longer each time.
const ATTEMPTS: u32 = 3;

pub(super) async fn connect(options: &KmsOptions) -> std::io::Result<Client> {
    let mut tls = TlsContext::builder();
    if let Some(pem) = &options.ca_pem {
        // The SDK panics over a file without certificates when it first connects.
        let has_certificates = reqwest::Certificate::from_pem_bundle(pem).is_ok_and(|found| !found.is_empty());
        if !has_certificates {
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "ca_file holds no certificates"));
        }
        let trusted = TrustStore::empty().with_native_roots(true).with_pem_certificate(pem.clone());
        tls = tls.with_trust_store(trusted);
    }
    let tls = tls.build().map_err(std::io::Error::other)?;
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(tls)
        .build_https();
    let times = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    let mut chain = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(times)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS));
    if let Some(region) = &options.region {
        chain = chain.region(Region::new(region.clone()));
    }
    let shared = chain.load().await;
    let mut config = aws_sdk_kms::config::Builder::from(&shared);
    if let Some(endpoint) = &options.endpoint {
        config = config.endpoint_url(endpoint);
    }
    Ok(Client::from_conf(config.build()))
}
