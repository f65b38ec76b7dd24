//! What a page of another origin needs to read answers: given to the origins that are named, and to no other.

use crate::http::{Request, Response};

/// The `Origin` of a request, when it is one of those allowed, as the page wrote it.
pub(crate) fn allowed_origin<'r>(allowed_origins: &[String], request: &'r Request) -> Option<&'r str> {
    let origin = request.header("origin")?;
    allowed_origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin)).then_some(origin)
}

/// The answer to a browser that asks whether a page may send a request. Nothing else has to be shown for it: what comes
/// after is checked as ever.
pub(crate) fn preflight(allowed_origins: &[String], request: &Request) -> Option<Response> {
    allowed_origin(allowed_origins, request)?;
    let is_asked = request.method == "OPTIONS" && request.header("access-control-request-method").is_some();
    is_asked.then(|| {
        Response::empty(204)
            .with("access-control-allow-methods", "GET, HEAD, POST, PUT, DELETE")
            // An asterisk stands for all but the first.
            .with("access-control-allow-headers", "authorization, content-type, *")
            .with("access-control-max-age", "600")
    })
}

/// Lets the page that sent a request read the answer, if it may.
pub(crate) fn allow(allowed_origins: &[String], request: &Request, mut response: Response) -> Response {
    if allowed_origins.is_empty() {
        return response;
    }
    if let Some(origin) = allowed_origin(allowed_origins, request) {
        response = response
            .with("access-control-allow-origin", origin)
            .with("access-control-expose-headers", "retry-after, x-ms-error-code, x-emulator-reason");
    }
    response.with("vary", "origin")
}
