//! CORS: lets pages of other origins read answers if [`guard`] admits their origin.

use crate::guard::{self, Sender};
use crate::http::{Request, Response};
use crate::settings::Settings;
use crate::url::Url;

/// Answers the preflight request of a page that [`guard`] has admitted. The request that follows is checked like every
/// other.
pub(crate) fn preflight(sender: Sender<'_>, request: &Request) -> Option<Response> {
    let is_preflight = request.method == "OPTIONS" && request.header("access-control-request-method").is_some();
    (is_preflight && page_origin(sender).is_some()).then(|| {
        Response::empty(204)
            .with("access-control-allow-methods", "GET, HEAD, POST, PUT, DELETE")
            // The asterisk stands for every header except `authorization`.
            .with("access-control-allow-headers", "authorization, content-type, *")
            .with("access-control-max-age", "600")
    })
}

/// Lets the page that sent a request read the answer, refusals too.
pub(crate) fn allow(settings: &Settings, request: &Request, mut response: Response) -> Response {
    let sender = Url::parse(&request.url).and_then(|url| guard::sender(settings, request, &url).ok());
    if let Some(origin) = sender.and_then(page_origin) {
        response = response
            .with("access-control-allow-origin", origin)
            .with("access-control-expose-headers", "retry-after, x-ms-error-code, x-emulator-reason");
    }
    response.with("vary", "origin")
}

fn page_origin(sender: Sender<'_>) -> Option<&str> {
    match sender {
        Sender::Own => None,
        Sender::Listed(origin) | Sender::Local(origin) => Some(origin),
    }
}
