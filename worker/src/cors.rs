//! Which pages of other origins may call: none, unless `ALLOWED_ORIGINS` lists them.

use worker::{Env, Headers, Request, Response, ResponseBuilder, Result};

use crate::config::variable;

/// The variable with the origins, separated by commas: `https://app.example.com,https://example.com`.
pub const ALLOWED_ORIGINS: &str = "ALLOWED_ORIGINS";

/// What a page of another origin may see of the answer.
pub struct Cors {
    /// The page's origin, if it is listed.
    origin: Option<String>,
}

impl Cors {
    pub fn of(request: &Request, env: &Env) -> Result<Self> {
        let origin = request.headers().get("origin")?;
        let list = variable(env, ALLOWED_ORIGINS).unwrap_or_default();
        Ok(Cors { origin: origin.filter(|origin| lists(&list, origin)) })
    }

    /// The answer to a page's question whether it may send `method`; `None` for a page that is not listed.
    pub fn preflight(&self, method: &str) -> Option<Result<Response>> {
        self.origin.as_ref()?;
        let answer = ResponseBuilder::new()
            .with_status(204)
            .with_header("access-control-allow-methods", method)
            .and_then(|answer| answer.with_header("access-control-allow-headers", "authorization, content-type"))
            .and_then(|answer| answer.with_header("access-control-max-age", "600"));
        Some(answer.map(ResponseBuilder::empty))
    }

    /// Lets a listed page read the answer.
    pub fn allow(&self, headers: &Headers) -> Result<()> {
        headers.append("vary", "Origin")?;
        match &self.origin {
            Some(origin) => headers.set("access-control-allow-origin", origin),
            None => Ok(()),
        }
    }
}

/// What is wrong with the list, if anything. An entry that no browser sends would never match.
pub fn problem(list: &str) -> Option<String> {
    entries(list).any(|entry| !is_origin(entry)).then(|| {
        format!("{ALLOWED_ORIGINS} holds an entry that is no origin: write https://app.example.com, without a path; * is not allowed.")
    })
}

/// Whether `list` has `origin`.
fn lists(list: &str, origin: &str) -> bool {
    is_origin(origin) && entries(list).any(|entry| entry.eq_ignore_ascii_case(origin))
}

fn entries(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}

/// `null`, the origin of sandboxed pages and files, is not one: it is anybody's.
fn is_origin(text: &str) -> bool {
    match text.split_once("://") {
        Some((scheme, host)) => {
            !scheme.is_empty() && !host.is_empty() && !host.contains(['/', '?', '#', '*', '@', ' '])
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_listed_matches() {
        let list = "https://a.example, http://localhost:5173 ,";
        assert_eq!(problem(list), None);
        for origin in ["https://a.example", "http://localhost:5173"] {
            assert!(lists(list, origin), "{origin}");
        }
        for origin in
            ["http://a.example", "https://a.example:444", "https://a.example.evil", "https://b.a.example", "null", ""]
        {
            assert!(!lists(list, origin), "{origin}");
        }
        assert!(!lists("", "https://a.example"));
    }

    #[test]
    fn what_is_no_origin_is_named_as_a_problem() {
        for list in
            ["*", "null", "a.example", "https://a.example/", "https://*.example", "https://a.example https://b.example"]
        {
            assert!(problem(list).is_some(), "{list}");
            assert!(!lists(list, list), "{list}");
        }
        assert_eq!(problem(""), None);
    }
}
