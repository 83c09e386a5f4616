//! The client: where the service is, whom it trusts, how long it waits, how often it tries again.

use std::io;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::meta::region::RegionProviderChain;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Region, RequestChecksumCalculation, ResponseChecksumValidation, SharedHttpClient};
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};

use super::{ErasingKey, S3Settings};
use crate::vault::objects::StoreError;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Until the answer to a request begins.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// One try, with a part of a recording on its way.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(60);
/// All tries together.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(150);
const ATTEMPTS: u32 = 5;
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// Where nothing says which region: what stores that have none expect in a signature.
const REGION_OF_OTHERS: &str = "us-east-1";

/// A client with the credentials of the AWS chain, or with this key. Asks for nothing yet but what the chain needs.
pub(super) async fn client(settings: &S3Settings, key: Option<&ErasingKey>) -> Result<Client, StoreError> {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS).with_max_backoff(MAX_BACKOFF);
    let region = RegionProviderChain::first_try(settings.region.clone().map(Region::new)).or_default_provider();
    let region = if settings.endpoint.is_some() { region.or_else(REGION_OF_OTHERS) } else { region };
    let loader = aws_config::defaults(BehaviorVersion::latest())
        .region(region)
        .timeout_config(timeouts)
        .retry_config(retries)
        // What is sent has its own checksum in a header: some stores refuse checksums behind the body.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    let loader = match key {
        Some(key) => loader.credentials_provider(key.credentials()),
        None => loader,
    };
    let loader = match &settings.ca_pem {
        Some(pem) => loader.http_client(trusting(pem)?),
        None => loader,
    };
    let shared = loader.load().await;
    let mut config = aws_sdk_s3::config::Builder::from(&shared).force_path_style(settings.path_style);
    if let Some(endpoint) = &settings.endpoint {
        config = config.endpoint_url(endpoint);
    }
    Ok(Client::from_conf(config.build()))
}

/// A client of HTTPS that trusts these authorities beside the system's.
fn trusting(pem: &[u8]) -> Result<SharedHttpClient, StoreError> {
    // Tried out first: the SDK's client would take the process down over a file that is no certificate.
    let usable = reqwest::Certificate::from_pem_bundle(pem).and_then(|certificates| {
        let found = !certificates.is_empty();
        let builder = certificates.into_iter().fold(reqwest::Client::builder(), |b, c| b.add_root_certificate(c));
        builder.build().map(|_| found)
    });
    let no_certificates = || StoreError::Unavailable(io::Error::other("the file of authorities holds no certificates"));
    if !usable.map_err(|_| no_certificates())? {
        return Err(no_certificates());
    }
    let trust = TrustStore::default().with_pem_certificate(pem);
    let context = TlsContext::builder().with_trust_store(trust).build();
    let context = context.map_err(|error| StoreError::Unavailable(io::Error::other(error)))?;
    let provider = Provider::Rustls(CryptoMode::AwsLc);
    Ok(aws_smithy_http_client::Builder::new().tls_provider(provider).tls_context(context).build_https())
}
