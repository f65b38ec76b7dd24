//! Reads what the service says when it refuses a request.

#[cfg(feature = "json")]
pub use read::RestError;

/// What to tell a person when the service gives no message of its own. 0 stands for a redirect that a browser hides.
pub fn default_message(status: u16) -> &'static str {
    match status {
        0 | 300..=399 => "The endpoint answered with a redirect, which is never followed: check the endpoint.",
        401 => "The service refused the token: check the access key, the endpoint and the clock.",
        403 => "The service forbids this.",
        404 => "The service does not know this path or resource: check the endpoint and the hub.",
        413 => "The message is too large for the service.",
        429 => "The service is throttling: there were too many requests.",
        500.. => "The service failed.",
        _ => "The service refused the request.",
    }
}

#[cfg(feature = "json")]
mod read {
    use std::fmt;

    use serde_json::Value;

    use super::default_message;

    /// The service answered with another status than success.
    #[derive(Debug, Clone, PartialEq, Eq)]
    #[non_exhaustive]
    pub struct RestError {
        /// The status. 0 stands for a redirect that a browser hides.
        pub status: u16,
        /// The service's code, from the body or else from `x-ms-error-code`. The same fact has several codes
        /// (`Error.Connection.NotExisted`, `Info.Connection.NotExisted`): tell by the status, not by this.
        pub code: Option<String>,
        /// The service's message, or one of ours when it gave none.
        pub message: String,
        /// The `x-ms-client-request-id` that was sent, the same for every try.
        pub request_id: String,
    }

    impl RestError {
        /// Reads an answer: the flat body that the service sends, the same wrapped in `error`, an empty one, or
        /// something that a proxy put there.
        pub fn read(status: u16, error_code_header: Option<&str>, body: &[u8], request_id: &str) -> Self {
            let body = serde_json::from_slice::<Value>(body).unwrap_or_default();
            let body = body.get("error").filter(|inner| inner.is_object()).unwrap_or(&body);
            let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
            RestError {
                status,
                code: text("code").or(error_code_header).map(str::to_owned),
                message: text("message").or(text("title")).unwrap_or(default_message(status)).to_owned(),
                request_id: request_id.to_owned(),
            }
        }
    }

    impl fmt::Display for RestError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{} (status {}", self.message, self.status)?;
            if let Some(code) = &self.code {
                write!(f, ", {code}")?;
            }
            f.write_str(")")
        }
    }

    impl std::error::Error for RestError {}
}

#[cfg(all(test, feature = "json"))]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_answer_is_read() {
        for (header, body, code, message) in [
            (
                None,
                r#"{"code":"Error.BadRequest","message":"Bad.","target":"filter"}"#,
                Some("Error.BadRequest"),
                "Bad.",
            ),
            (Some("H"), r#"{"error":{"code":"C","message":"M"}}"#, Some("C"), "M"),
            (
                Some("H"),
                r#"{"title":"One or more validation errors occurred."}"#,
                Some("H"),
                "One or more validation errors occurred.",
            ),
            (Some("H"), "", Some("H"), "The service refused the request."),
            (None, "<html>Bad gateway</html>", None, "The service refused the request."),
            (None, r#"["x"]"#, None, "The service refused the request."),
            (None, r#"{"code":5,"message":null,"error":"no"}"#, None, "The service refused the request."),
        ] {
            let error = RestError::read(400, header, body.as_bytes(), "id");
            assert_eq!((error.code.as_deref(), error.message.as_str()), (code, message), "{body}");
            assert_eq!(error.request_id, "id");
        }
    }
}
