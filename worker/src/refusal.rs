//! Every error that a caller can get: a status, and `{"error":{"code","message"}}`.

use serde_json::json;
use worker::{Response, ResponseBuilder, Result};

/// Why a request was refused. The message is for the caller: it never holds a secret, a token or a URL.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    pub code: &'static str,
    pub message: String,
    /// For the log alone: what the service did.
    pub cause: Option<String>,
    /// A header that the status asks for.
    header: Option<(&'static str, &'static str)>,
}

impl Refusal {
    pub fn bad_request(message: impl Into<String>) -> Self {
        Refusal::new(400, "bad_request", message)
    }

    pub fn unauthorized(message: impl Into<String>) -> Self {
        let header = Some(("www-authenticate", "Bearer"));
        Refusal { header, ..Refusal::new(401, "unauthorized", message) }
    }

    pub fn forbidden(message: impl Into<String>) -> Self {
        Refusal::new(403, "forbidden", message)
    }

    pub fn not_found() -> Self {
        Refusal::new(404, "not_found", "There is nothing at this path.")
    }

    pub fn method_not_allowed(allow: &'static str) -> Self {
        let header = Some(("allow", allow));
        Refusal { header, ..Refusal::new(405, "method_not_allowed", format!("This path takes {allow}.")) }
    }

    pub fn payload_too_large(limit: usize) -> Self {
        Refusal::new(413, "payload_too_large", format!("The body is over {limit} bytes."))
    }

    pub fn unsupported_media_type() -> Self {
        Refusal::new(415, "unsupported_media_type", "Send the body as content-type: application/json.")
    }

    pub fn too_many_requests() -> Self {
        Refusal::new(429, "too_many_requests", "You call this too often. Try again in a minute.")
    }

    pub fn upstream_failed(cause: impl Into<String>) -> Self {
        let cause = Some(cause.into());
        Refusal { cause, ..Refusal::new(502, "upstream_failed", "Azure Web PubSub did not take the message.") }
    }

    pub fn not_configured(message: impl Into<String>) -> Self {
        Refusal::new(503, "not_configured", message)
    }

    pub fn response(self) -> Result<Response> {
        let mut response = ResponseBuilder::new().with_status(self.status);
        if let Some((name, value)) = self.header {
            response = response.with_header(name, value)?;
        }
        response.from_json(&json!({ "error": { "code": self.code, "message": self.message } }))
    }

    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Refusal { status, code, message: message.into(), cause: None, header: None }
    }
}

/// The runtime refused to build an answer. Nothing that a caller sends leads here.
impl From<worker::Error> for Refusal {
    fn from(_: worker::Error) -> Self {
        Refusal::new(500, "internal", "The Worker failed.")
    }
}
