//! The recorded token cases that name a key or an endpoint and no client: those of clients run in tests/conformance.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;
use webpubsub_edge::jwt::{Key, Rules, verify};
use webpubsub_edge::token::{lifetime_from_minutes, rest_bearer};

#[test]
fn recorded_token_cases() {
    let lines = std::fs::read_to_string("tests/cases/token.jsonl").unwrap();
    let mut checked = 0;
    for line in lines.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let (inputs, expected) = (&case["inputs"], &case["expected"]);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        match case["id"].as_str().unwrap() {
            "token-064" => {
                assert!(lifetime_from_minutes(inputs["options"]["expirationTimeInMinutes"].as_f64().unwrap()).is_err());
            }
            "token-066" => {
                let key = Key::new(text(&inputs["key"]).as_bytes());
                let audience = text(&expected["claims"]["aud"]);
                let rules = Rules { audience: &|aud| aud == audience, now: 1, clock_skew: 0, max_lifetime: None };
                assert!(verify(&rest_bearer(&key, &text(&inputs["requestUrl"]), 1), &[&key], &rules).is_ok());
            }
            "token-077" => {
                let key = BASE64_URL_SAFE_NO_PAD.decode(text(&inputs["keyBase64url"])).unwrap();
                let signature = Key::new(&key).signature(text(&inputs["signingInput"]).as_bytes());
                assert_eq!(BASE64_URL_SAFE_NO_PAD.encode(signature), text(&expected["signature"]));
            }
            _ => continue,
        }
        checked += 1;
    }
    assert_eq!(checked, 3, "the cases this test knows by their ids");
}
