//! The loop that runs a [`Call`] over a [`Transport`].

use super::authorization::Challenge;
use super::transport::within;
use crate::service::{
    Authorization, Call, Failure, MAX_ANSWER_BYTES, Message, Next, Outgoing, RawResponse, Request, Response, RestError,
    RetryAfter, ServiceClient, ServiceError, Transport, TryOutcome,
};

impl<T: Transport, A: Authorization> ServiceClient<T, A> {
    /// Runs a request: its body on success, or `None` where the answer is "no".
    pub(super) async fn run(
        &self,
        request: &Request,
        message: Option<Message<'_>>,
    ) -> Result<Option<Vec<u8>>, ServiceError> {
        let total = self.settings.total_timeout_ms;
        let whole = within(total, &self.transport, self.try_until_settled(request, message));
        whole.await.unwrap_or(Err(ServiceError::DeadlineExceeded))
    }

    async fn try_until_settled(
        &self,
        request: &Request,
        message: Option<Message<'_>>,
    ) -> Result<Option<Vec<u8>>, ServiceError> {
        let url = self.route(request)?;
        let custom_headers = self.settings.headers.checked()?;
        let request_id = self.request_id();
        let total = Some(self.settings.total_timeout_ms).filter(|&total| total > 0);
        let deadline = total.map(|total| self.transport.now_ms().saturating_add(total));
        let mut call = Call::new(request.operation(), self.settings.retry).until(deadline);
        let mut challenge = None;
        let mut number = 0_u32;
        loop {
            number = number.saturating_add(1);
            let token = self.authorization.bearer(request, &self.transport, challenge.as_ref()).await?;
            let authorization = ["Bearer ", &token].concat();
            let mut headers = custom_headers.clone();
            headers.extend([
                ("accept", "application/json"),
                ("authorization", authorization.as_str()),
                ("x-ms-client-request-id", request_id.as_str()),
            ]);
            headers.extend(message.map(|message| ("content-type", message.content_type())));
            let body = message.map(Message::bytes);
            let outgoing = Outgoing { method: request.operation().method(), url: &url, headers, body };
            let sent = within(self.settings.timeout_ms, &self.transport, self.transport.send(&outgoing));
            let answer = sent.await.unwrap_or(Err(Failure::Timeout)).and_then(within_limit);
            self.show(&answer, &request_id);
            if challenge.is_none()
                && A::IS_TOKEN
                && let Ok(response @ Response { status: 401, .. }) = &answer
            {
                challenge = Challenge::read(response.header("www-authenticate"), &token);
                if challenge.is_some() {
                    self.log(request, number, &answer, Some(0));
                    continue;
                }
            }
            let next = call.next(outcome(&answer), self.transport.now_ms(), self.transport.random());
            self.log(request, number, &answer, if let Next::Wait(wait) = next { Some(wait) } else { None });
            match next {
                Next::Done => return Ok(Some(answer.map(|response| response.body).unwrap_or_default())),
                Next::Absent => return Ok(None),
                Next::Wait(milliseconds) => self.transport.sleep(milliseconds).await,
                Next::Fail => return Err(failure(&answer, &request_id)),
            }
        }
    }

    /// Where the request is really sent: to the service, or to a reverse proxy.
    fn route(&self, request: &Request) -> Result<String, ServiceError> {
        let target = self.settings.reverse_proxy.as_ref().unwrap_or(&self.endpoint);
        let is_allowed = self.settings.allow_insecure_connection;
        if !A::IS_TOKEN {
            target.check_secure(is_allowed)?;
        } else if !(target.is_secure() || target.is_loopback() && is_allowed) {
            return Err(ServiceError::InsecureToken);
        }
        let path = request.url().strip_prefix(self.endpoint.as_str()).unwrap_or_default();
        Ok([target.as_str(), path].concat())
    }

    /// A random UUID (version 4).
    fn request_id(&self) -> String {
        let word = || (self.transport.random() * 4_294_967_296.0) as u32;
        let (a, b, c, d) = (word(), word(), word(), word());
        format!("{a:08x}-{:04x}-4{:03x}-{:04x}-{:04x}{d:08x}", b >> 16, b & 0xfff, 0x8000 | (c >> 18), c & 0xffff)
    }

    fn show(&self, answer: &Result<Response, Failure>, request_id: &str) {
        if let (Some(observer), Ok(Response { status, headers, body })) = (&self.settings.on_response, answer) {
            observer.0(&RawResponse { status: *status, headers, body, request_id });
        }
    }

    fn log(&self, request: &Request, number: u32, answer: &Result<Response, Failure>, wait: Option<u64>) {
        let Some(logger) = &self.settings.logger else { return };
        let outcome = match answer {
            Ok(response) => format!("status {}", response.status),
            Err(failure) => format!("{failure:?}"),
        };
        let again = wait.map(|milliseconds| format!(", again in {milliseconds} ms")).unwrap_or_default();
        logger.0(&format!("{:?}: try {number}: {outcome}{again}", request.operation()));
    }
}

/// Refuses a body over the limit, whichever transport has read it.
fn within_limit(response: Response) -> Result<Response, Failure> {
    if response.body.len() > MAX_ANSWER_BYTES { Err(Failure::AnswerTooLarge) } else { Ok(response) }
}

fn outcome(answer: &Result<Response, Failure>) -> TryOutcome<'_> {
    match answer {
        Err(failure) => TryOutcome::Failure(*failure),
        Ok(response) => TryOutcome::Response {
            status: response.status,
            retry_after: RetryAfter {
                retry_after_ms: response.header("retry-after-ms"),
                x_ms_retry_after_ms: response.header("x-ms-retry-after-ms"),
                retry_after: response.header("retry-after"),
            },
        },
    }
}

fn failure(answer: &Result<Response, Failure>, request_id: &str) -> ServiceError {
    match answer {
        Err(failure) => ServiceError::Network(*failure),
        Ok(response) => ServiceError::Rest(RestError::read(
            response.status,
            response.header("x-ms-error-code"),
            &response.body,
            request_id,
        )),
    }
}
