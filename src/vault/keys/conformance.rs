//! What every key provider must do. A provider's tests call [`all`] with one that has no keys.

use std::collections::BTreeSet;
use std::sync::Arc;

use uuid::Uuid;

use super::{KeyError, KeyName, KeyProvider};

fn month(text: &str) -> KeyName {
    KeyName::Month(text.parse().unwrap())
}

/// The whole suite.
pub(crate) async fn all(provider: Arc<dyn KeyProvider>) {
    without_a_key_everything_is_gone(&*provider).await;
    many_at_once_get_one_key(&provider).await;
    opens_only_what_was_wrapped_for_the_same_purpose(&*provider).await;
    keys_are_listed(&*provider).await;
    destroying_is_for_good_and_can_be_repeated(&*provider).await;
}

async fn without_a_key_everything_is_gone(provider: &dyn KeyProvider) {
    let name = month("2031-01");
    assert!(!provider.exists(&name).await.unwrap());
    assert!(matches!(provider.wrap(&name, b"a", b"x").await, Err(KeyError::Gone(n)) if n == name));
    assert!(matches!(provider.unwrap(&name, b"a", &[0; 60]).await, Err(KeyError::Gone(_))));
    assert_eq!(provider.list().await.unwrap(), []);
}

async fn many_at_once_get_one_key(provider: &Arc<dyn KeyProvider>) {
    let name = month("2031-02");
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let provider = provider.clone();
            tokio::spawn(async move {
                provider.ensure(&name).await.unwrap();
                provider.wrap(&name, b"a", b"secret").await.unwrap()
            })
        })
        .collect();
    for task in tasks {
        let wrapped = task.await.unwrap();
        assert_eq!(provider.unwrap(&name, b"a", &wrapped).await.unwrap().as_slice(), b"secret");
    }
}

async fn opens_only_what_was_wrapped_for_the_same_purpose(provider: &dyn KeyProvider) {
    let (name, other) = (month("2031-02"), KeyName::Case(Uuid::from_u128(7)));
    provider.ensure(&other).await.unwrap();
    let wrapped = provider.wrap(&name, b"a", &[5; 32]).await.unwrap();
    assert!(!wrapped.windows(32).any(|w| w == [5; 32]));
    assert!(matches!(provider.unwrap(&name, b"b", &wrapped).await, Err(KeyError::Corrupt(_))));
    assert!(matches!(provider.unwrap(&other, b"a", &wrapped).await, Err(KeyError::Corrupt(_))));
    let mut changed = wrapped.clone();
    *changed.last_mut().unwrap() ^= 1;
    assert!(matches!(provider.unwrap(&name, b"a", &changed).await, Err(KeyError::Corrupt(_))));
    assert!(matches!(provider.unwrap(&name, b"a", &wrapped[..5]).await, Err(KeyError::Corrupt(_))));
}

async fn keys_are_listed(provider: &dyn KeyProvider) {
    provider.ensure(&KeyName::Installation).await.unwrap();
    let listed = provider.list().await.unwrap();
    let expected = BTreeSet::from([KeyName::Installation, month("2031-02"), KeyName::Case(Uuid::from_u128(7))]);
    assert_eq!(listed, expected.into_iter().collect::<Vec<_>>());
}

async fn destroying_is_for_good_and_can_be_repeated(provider: &dyn KeyProvider) {
    let name = month("2031-02");
    let wrapped = provider.wrap(&name, b"a", b"secret").await.unwrap();
    let first = provider.destroy(&name).await.unwrap();
    let again = provider.destroy(&name).await.unwrap();
    assert!(again.effective_at >= first.effective_at, "a key is never said to be gone earlier than it was");
    assert!(!provider.exists(&name).await.unwrap());
    assert!(!provider.list().await.unwrap().contains(&name));
    assert!(matches!(provider.unwrap(&name, b"a", &wrapped).await, Err(KeyError::Gone(_))));
    let again = provider.ensure(&name).await;
    assert!(matches!(again, Ok(()) | Err(KeyError::Gone(_))));
    assert!(provider.unwrap(&name, b"a", &wrapped).await.is_err(), "a new key is another key");
    provider.destroy(&month("2031-03")).await.unwrap();
    assert!(provider.exists(&KeyName::Installation).await.unwrap(), "the others stay");
}
