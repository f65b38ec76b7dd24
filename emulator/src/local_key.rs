//! The access key of the emulator under `wrangler dev`.
//!
//! wrangler lets the request header `MF-Original-URL` replace the host of a request. So a page that points its own name
//! at this machine looks like a local one, and with the published key it could sign requests. This key is random.

// The methods that `durable_object` writes for JavaScript have no documentation.
#![allow(missing_docs)]

use std::cell::RefCell;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use webpubsub_edge::jwt::Key;
// The macro below writes `wasm_bindgen::` without saying whose.
use worker::wasm_bindgen;
use worker::{DurableObject, Env, Request, Response, Result, State, console_log};

use crate::local_hub::random;

/// The name under which the Worker binds [`LocalKey`].
pub const KEY_BINDING: &str = "LOCAL_KEY";

/// The name of the one object.
const OBJECT: &str = "key";

/// Where the object keeps the key in its storage.
const STORED: &str = "accessKey";

thread_local! {
    /// The key, once it was read: it does not change while the Worker runs.
    static KNOWN: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Makes the access key of the emulator, and keeps it in its storage, which lies in `.wrangler/state`. A Worker
/// re-exports it and binds it as [`KEY_BINDING`]. Nothing but [`access_key`] calls it.
#[worker::durable_object(fetch)]
pub struct LocalKey {
    state: State,
}

impl DurableObject for LocalKey {
    fn new(state: State, _: Env) -> Self {
        LocalKey { state }
    }

    async fn fetch(&self, _: Request) -> Result<Response> {
        let storage = self.state.storage();
        let key = match storage.get::<String>(STORED).await? {
            Some(key) => key,
            None => {
                let key = BASE64_URL_SAFE_NO_PAD.encode(random());
                storage.put(STORED, &key).await?;
                key
            }
        };
        // It opens this emulator only, and whoever develops with it needs to know it.
        console_log!("Access key of the emulator: {key}");
        Response::ok(key)
    }
}

/// Returns the access key of the emulator, which is made at the first call.
///
/// # Errors
/// The Worker does not bind [`LocalKey`], or its storage cannot be read or written.
pub async fn access_key(env: &Env) -> Result<String> {
    if let Some(known) = KNOWN.with_borrow(Clone::clone) {
        return Ok(known);
    }
    let object = env.durable_object(KEY_BINDING)?.get_by_name(OBJECT)?;
    let key = object.fetch_with_str("http://key/").await?.text().await?;
    KNOWN.with_borrow_mut(|known| *known = Some(key.clone()));
    Ok(key)
}

/// Returns whether the header `Authorization` holds the key: `Bearer <key>`. The time it takes does not depend on where
/// the two differ, because signatures are compared and not the keys.
pub(crate) fn is_shown(key: &str, authorization: Option<&str>) -> bool {
    let proof = |key: &str| Key::new(key.as_bytes()).signature(b"webpubsub-edge: access to /_emulator");
    let shown = authorization.and_then(|header| header.split_once(' '));
    shown.is_some_and(|(scheme, shown)| scheme.eq_ignore_ascii_case("bearer") && proof(shown.trim()) == proof(key))
}
