//! The accounts last used, each an endpoint with its key ready to sign, so that JavaScript holds no handle and frees
//! nothing.

use std::cell::RefCell;
use std::rc::Rc;

use webpubsub_edge::Error;
use webpubsub_edge::endpoint::Endpoint;
use webpubsub_edge::jwt::Key;

/// An endpoint and its key.
pub struct Account {
    pub endpoint: Endpoint,
    pub key: Key,
    endpoint_text: Box<str>,
    key_text: Box<str>,
}

/// How many accounts are kept. One more takes the place of the one that was not used for longest.
const KEPT: usize = 8;

thread_local! {
    static ACCOUNTS: RefCell<Vec<Rc<Account>>> = const { RefCell::new(Vec::new()) };
}

/// The account of an endpoint and an access key.
pub fn account(endpoint: &str, key: &str) -> Result<Rc<Account>, Error> {
    ACCOUNTS.with_borrow_mut(|accounts| {
        let known = accounts.iter().position(|known| *known.key_text == *key && *known.endpoint_text == *endpoint);
        let account = match known {
            Some(0) => return Ok(accounts[0].clone()),
            Some(place) => accounts.remove(place),
            None => Rc::new(Account {
                endpoint: Endpoint::parse(endpoint)?,
                key: Key::new(key.as_bytes()),
                endpoint_text: endpoint.into(),
                key_text: key.into(),
            }),
        };
        accounts.truncate(KEPT - 1);
        accounts.insert(0, account.clone());
        Ok(account)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_bounded_and_right() {
        for index in 0..3 * KEPT {
            let endpoint = format!("https://h{}", index % (KEPT + 1));
            assert_eq!(account(&endpoint, "k").unwrap().endpoint.as_str(), endpoint);
            assert_eq!(account(&endpoint, "l").unwrap().endpoint.as_str(), endpoint);
        }
        assert_eq!(ACCOUNTS.with_borrow(Vec::len), KEPT);
        let signature = |key: &str| account("https://h", key).unwrap().key.signature(b"m");
        assert_ne!(signature("k"), signature("l"));
        assert!(account("ftp://h", "k").is_err());
    }
}
