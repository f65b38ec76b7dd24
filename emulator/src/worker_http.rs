//! Requests and answers of the `worker` crate as plain values.

use futures_util::TryStreamExt;
use worker::{Headers, ResponseBuilder, Result};

use crate::limits::MAX_MESSAGE_BYTES;
use crate::{Request, Response};

/// A request without its body.
pub(crate) fn head(request: &worker::Request) -> Request {
    Request {
        // The enum of the `worker` crate would read a method that it does not know as GET.
        method: request.inner().method(),
        url: request.inner().url(),
        headers: request.headers().entries().collect(),
        body: Vec::new(),
    }
}

/// A request's body. One that is too large is read to one byte beyond the limit: enough to refuse it.
pub(crate) async fn body(request: &mut worker::Request) -> Result<Vec<u8>> {
    const ENOUGH: usize = MAX_MESSAGE_BYTES.saturating_add(1);
    let mut body = Vec::new();
    if request.inner().body().is_none() {
        return Ok(body);
    }
    let mut chunks = request.stream()?;
    while body.len() < ENOUGH
        && let Some(chunk) = chunks.try_next().await?
    {
        body.extend(chunk);
    }
    body.truncate(ENOUGH);
    Ok(body)
}

/// An answer for the runtime to send.
pub(crate) fn write(response: Response) -> Result<worker::Response> {
    let headers = Headers::new();
    for (name, value) in &response.headers {
        headers.set(name, value)?;
    }
    // wrangler would compress even an empty answer, and the official SDK fails on a 204 that claims to be gzip.
    headers.set("content-encoding", "identity")?;
    let builder = ResponseBuilder::new().with_status(response.status).with_headers(headers);
    Ok(if response.body.is_empty() { builder.empty() } else { builder.fixed(response.body) })
}
