//! The client over a transport of scripted answers.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use crate::Error;
use crate::endpoint::{ConnectionString, Endpoint};
use crate::jwt::{Key, Rules, verify};
use crate::service::*;
use crate::token::{ClientProtocol, ClientTokenOptions};

const START: u64 = 1_700_000_000_000;
const NONE: SendOptions<'static> = SendOptions { excluded_connections: &[], filter: None, message_ttl_seconds: None };

/// Answers from a list, and keeps what it was sent; when the list is empty, nothing ever answers. Its clock moves only
/// while it sleeps.
struct Script {
    answers: RefCell<VecDeque<Result<Response, Failure>>>,
    sent: RefCell<Vec<Sent>>,
    now: Cell<u64>,
    /// How many requests were dropped before they were answered.
    let_go: Cell<usize>,
}

struct Sent {
    method: &'static str,
    url: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Sent {
    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
    }
}

impl Transport for &Script {
    async fn send(&self, request: &Outgoing<'_>) -> Result<Response, Failure> {
        self.sent.borrow_mut().push(Sent {
            method: request.method,
            url: request.url.to_owned(),
            headers: request.headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect(),
            body: String::from_utf8_lossy(request.body.unwrap_or_default()).into_owned(),
        });
        let answer = self.answers.borrow_mut().pop_front();
        match answer {
            Some(answer) => answer,
            None => {
                let _counted = LetGo(&self.let_go);
                std::future::pending().await
            }
        }
    }
    async fn sleep(&self, milliseconds: u64) {
        self.now.set(self.now.get().saturating_add(milliseconds));
    }
    fn now_ms(&self) -> u64 {
        self.now.get()
    }
    fn random(&self) -> f64 {
        0.5
    }
}

/// Counts when it is dropped.
struct LetGo<'a>(&'a Cell<usize>);

impl Drop for LetGo<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

impl Script {
    fn tokens(&self) -> Vec<String> {
        self.sent.borrow().iter().map(|sent| sent.header("authorization").replace("Bearer ", "")).collect()
    }
}

fn script(answers: impl IntoIterator<Item = Result<Response, Failure>>) -> Script {
    Script {
        answers: RefCell::new(answers.into_iter().collect()),
        sent: RefCell::default(),
        now: Cell::new(START),
        let_go: Cell::new(0),
    }
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Result<Response, Failure> {
    let headers = headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    Ok(Response { status, headers, body: body.as_bytes().to_vec() })
}

fn sent() -> Result<Response, Failure> {
    answer(202, &[], "")
}

fn challenge() -> Result<Response, Failure> {
    answer(401, &[("WWW-Authenticate", r#"Bearer error="x", claims="eyJhIjoxfQ==""#)], "")
}

/// What does not wait is done after one poll.
fn run<F: Future>(future: F) -> F::Output {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("it waits"),
    }
}

/// Has no total timeout: a `Script` sleeps for no real time, so each pending call would end.
fn with_key<'a>(script: &'a Script, endpoint: &str) -> ServiceClient<&'a Script> {
    with_defaults(script, endpoint).with_total_timeout_ms(0)
}

fn with_defaults<'a>(script: &'a Script, endpoint: &str) -> ServiceClient<&'a Script> {
    ServiceClient::from_connection_string(&format!("Endpoint={endpoint};AccessKey=k"), "h", script).unwrap()
}

fn send(script: &Script, endpoint: &str) -> Result<(), ServiceError> {
    run(with_key(script, endpoint).send_to_all(Message::Json("1"), &NONE))
}

mod calls {
    use super::*;

    #[test]
    fn a_throttled_send_waits_and_is_signed_again_under_the_same_id() {
        let script = script([answer(429, &[("Retry-After", "7")], ""), sent()]);
        send(&script, "https://x").unwrap();
        let sent = script.sent.borrow();
        assert_eq!(sent.len(), 2);
        for (index, request) in sent.iter().enumerate() {
            assert_eq!((request.method, &*request.url), ("POST", "https://x/api/hubs/h/:send?api-version=2024-12-01"));
            let token = request.header("authorization").strip_prefix("Bearer ").unwrap();
            let now = START / 1000 + 7 * index as u64;
            let rules = Rules { audience: &|aud| aud == request.url, now, clock_skew: 0, max_lifetime: Some(300) };
            let claims = verify(token, &[&Key::new(b"k")], &rules).unwrap();
            assert_eq!(claims.expires, now + 300);
            assert_eq!((request.header("content-type"), &*request.body), ("application/json", "1"));
            assert_eq!(request.header("x-ms-client-request-id"), "80000000-8000-4000-a000-000080000000");
        }
    }

    #[test]
    fn errors_are_told_apart() {
        let refused = script([answer(400, &[("x-ms-error-code", "E")], r#"{"message":"No."}"#)]);
        let Err(ServiceError::Rest(error)) = send(&refused, "https://x") else { unreachable!("a RestError") };
        assert_eq!((error.status, error.code.as_deref(), error.message.as_str()), (400, Some("E"), "No."));
        let lost = script([Err(Failure::Unknown)]);
        assert_eq!(send(&lost, "https://x"), Err(ServiceError::Network(Failure::Unknown)));
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        let local = script([sent()]);
        assert_eq!(send(&local, "http://localhost:1"), Ok(()));
        let remote = script([sent()]);
        assert_eq!(send(&remote, "http://x"), Err(Error::InsecureEndpoint.into()));
        assert!(remote.sent.borrow().is_empty());
        let client = with_key(&remote, "http://x");
        assert!(client.client_access(&ClientTokenOptions::default()).is_ok(), "minting sends nothing");
        let client = client.with_allow_insecure_connection(true);
        assert_eq!(run(client.send_to_all(Message::Text(""), &NONE)), Ok(()));
    }

    #[test]
    fn a_message_over_one_mebibyte_is_not_sent() {
        let script = script([sent()]);
        let client = with_key(&script, "https://x");
        let large = vec![0; 1024 * 1024 + 1];
        assert_eq!(run(client.send_to_user("u", Message::Binary(&large), &NONE)), Err(Error::MessageTooLarge.into()));
        assert_eq!(run(client.send_to_user("u", Message::Binary(&large[1..]), &NONE)), Ok(()));
    }

    #[test]
    fn a_try_that_takes_too_long_is_given_up_and_not_repeated() {
        let script = script([]);
        let client = with_key(&script, "https://x").with_timeout_ms(500);
        assert_eq!(run(client.user_exists("u")), Err(ServiceError::Network(Failure::Timeout)));
        assert_eq!((script.sent.borrow().len(), script.now.get()), (1, START + 500));
    }

    #[test]
    fn a_call_has_a_total_timeout_of_100_seconds_unless_it_is_turned_off() {
        let hangs = script([]);
        let client = with_defaults(&hangs, "https://x");
        assert_eq!(run(client.user_exists("u")), Err(ServiceError::DeadlineExceeded));
        assert_eq!(hangs.now.get(), START + 100_000);
        let unlimited = client.with_total_timeout_ms(0);
        let mut call = std::pin::pin!(unlimited.user_exists("u"));
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }

    #[test]
    fn an_answer_over_four_mebibytes_is_refused_and_the_call_is_not_repeated() {
        let largest = " ".repeat(4 * 1024 * 1024 - 12) + r#"{"value":[]}"#;
        let script = script([answer(200, &[], &largest), answer(500, &[], &(largest.clone() + " "))]);
        let client = with_key(&script, "https://x");
        assert!(run(client.list_connections("g", &ListOptions::default())).is_ok());
        let error = run(client.list_connections("g", &ListOptions::default())).unwrap_err();
        assert_eq!(error, ServiceError::Network(Failure::AnswerTooLarge));
        assert!(error.to_string().contains("4 MiB"), "{error}");
        assert_eq!(script.sent.borrow().len(), 2);
    }

    #[test]
    fn a_link_of_another_group_is_not_followed() {
        let script = script([]);
        let client = with_key(&script, "https://x");
        let link = "https://x/api/hubs/h/groups/secret/connections?continuationToken=a";
        let refused = Err(ServiceError::Argument(Error::ContinuationToken));
        assert_eq!(run(client.next_page("news", link)), refused);
        assert!(script.sent.borrow().is_empty());
    }

    #[test]
    fn debug_output_does_not_show_the_values_of_custom_headers() {
        let script = script([]);
        let client = with_key(&script, "https://x").with_header("x-functions-key", "SECRET");
        let shown = format!("{:?}", client.settings);
        assert!(shown.contains("x-functions-key") && !shown.contains("SECRET"), "{shown}");
    }

    #[test]
    fn a_call_ends_with_its_total_timeout_in_every_phase() {
        let hangs = script([]);
        let client = with_key(&hangs, "https://x").with_total_timeout_ms(800);
        assert_eq!(run(client.user_exists("u")), Err(ServiceError::DeadlineExceeded));
        assert_eq!(hangs.now.get(), START + 800);

        let waits = script([answer(429, &[("retry-after", "1")], ""), sent()]);
        let client = with_key(&waits, "https://x").with_total_timeout_ms(800);
        let Err(ServiceError::Rest(error)) = run(client.send_to_all(Message::Text(""), &NONE)) else {
            unreachable!("a wait beyond the end is not begun")
        };
        assert_eq!((error.status, waits.now.get()), (429, START));

        let client = with_entra(&waits, Asked::never_answers()).with_total_timeout_ms(800);
        assert_eq!(run(client.user_exists("u")), Err(ServiceError::DeadlineExceeded));
    }

    #[test]
    fn a_request_is_let_go_when_its_call_is_dropped_or_takes_too_long() {
        let script = script([]);
        let client = with_key(&script, "https://x");
        let mut call = Box::pin(client.user_exists("u"));
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(script.let_go.get(), 0);
        drop(call);
        assert_eq!(script.let_go.get(), 1);
        run(client.clone().with_timeout_ms(1).user_exists("u")).unwrap_err();
        run(client.with_total_timeout_ms(1).user_exists("u")).unwrap_err();
        assert_eq!(script.let_go.get(), 3);
    }

    #[test]
    fn custom_headers_go_along_and_own_ones_stay() {
        let script = script([sent(), sent()]);
        let client = with_key(&script, "https://x")
            .with_header("Traceparent", "old")
            .with_header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
            .with_header("Authorization", "Bearer mine");
        run(client.send_to_all(Message::Text(""), &NONE)).unwrap();
        let names: Vec<_> = script.sent.borrow()[0].headers.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(names, ["traceparent", "accept", "authorization", "x-ms-client-request-id", "content-type"]);
        assert!(script.sent.borrow()[0].header("traceparent").starts_with("00-0af"));
        assert_ne!(script.tokens(), ["mine"]);
        for (name, value) in [("a b", "c"), ("", "c"), ("a:", "c"), ("a", "c\r\nd: e"), ("a", "é"), ("a", "\0")] {
            let client = client.clone().with_header(name, value);
            assert_eq!(run(client.user_exists("u")), Err(ServiceError::Header), "{name:?} {value:?}");
        }
        assert_eq!(script.sent.borrow().len(), 1);
    }

    #[test]
    fn observers_see_every_try() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answers, lines) = (Arc::clone(&seen), Arc::clone(&seen));
        let script = script([answer(503, &[("Retry-After", "0")], "busy"), Err(Failure::NotSent), sent()]);
        let client = with_key(&script, "https://x")
            .with_on_response(move |response| {
                let body = String::from_utf8_lossy(response.body);
                let line = format!("{} {:?} {body} {}", response.status, response.headers, response.request_id);
                answers.lock().unwrap().push(line);
            })
            .with_logger(move |line| lines.lock().unwrap().push(line.to_owned()));
        run(client.send_to_all(Message::Text("secret text"), &NONE)).unwrap();
        let id = "80000000-8000-4000-a000-000080000000";
        assert_eq!(
            *seen.lock().unwrap(),
            [
                format!(r#"503 [("Retry-After", "0")] busy {id}"#),
                "SendToAll: try 1: status 503, again in 0 ms".to_owned(),
                "SendToAll: try 2: NotSent, again in 1500 ms".to_owned(),
                format!("202 []  {id}"),
                "SendToAll: try 3: status 202".to_owned(),
            ]
        );
    }

    #[test]
    fn nothing_secret_is_shown() {
        let script = script([]);
        let shown = [
            format!("{:?}", with_key(&script, "https://x").authorization),
            format!("{:?}", with_entra(&script, Asked::default()).authorization),
            format!("{:?}", answer(200, &[], r#"{"token":"t0p"}"#)),
            format!("{:?}", AccessToken { token: "t0p".into(), expires_on_ms: 1 }),
            format!("{:?}", ClientSecretCredential::new("t", "c", "t0p", &script)),
            format!("{:?}", ClientAssertionCredential::new("t", "c", "t0p".to_owned(), &script)),
        ];
        assert_eq!(
            shown,
            [
                "AzureKeyCredential(..)",
                "EntraId(..)",
                "Ok(Response(200 ..))",
                "AccessToken(.. expires on 1)",
                "Ok(ClientSecretCredential(..))",
                "Ok(ClientAssertionCredential(..))",
            ]
        );
    }

    /// Where the transport and the credential are fit for it, a call can run on any thread.
    #[test]
    fn a_call_can_go_to_another_thread() {
        #[derive(Clone)]
        struct Gone;
        impl Transport for Gone {
            async fn send(&self, _request: &Outgoing<'_>) -> Result<Response, Failure> {
                Err(Failure::Unknown)
            }
            async fn sleep(&self, _milliseconds: u64) {}
            fn now_ms(&self) -> u64 {
                START
            }
            fn random(&self) -> f64 {
                0.0
            }
        }
        let endpoint = Endpoint::parse("https://x").unwrap();
        let credential = ClientSecretCredential::new("t", "c", "s", Gone).unwrap();
        let client = ServiceClient::new(endpoint, credential, "h", Gone).unwrap().with_timeout_ms(1);
        let on_a_thread = std::thread::scope(|scope| {
            let call = client.user_exists("u");
            scope.spawn(move || run(call)).join().unwrap()
        });
        let message = "The credential gave no token: The connection to Entra ID failed.";
        assert_eq!(on_a_thread.map_err(|error| error.to_string()), Err(message.to_owned()));
    }
}

/// A credential that keeps what it was asked, and answers from a list. When the list is empty it gives `entra-N`, good
/// for an hour.
#[derive(Default)]
struct Asked {
    asked: RefCell<Vec<Option<String>>>,
    answers: RefCell<VecDeque<Result<AccessToken, CredentialError>>>,
    /// How often it must be polled before it answers.
    polls: Cell<usize>,
}

impl Asked {
    fn never_answers() -> Self {
        Asked { polls: Cell::new(usize::MAX), ..Asked::default() }
    }

    fn answering(answers: impl IntoIterator<Item = Result<AccessToken, CredentialError>>) -> Self {
        Asked { answers: RefCell::new(answers.into_iter().collect()), ..Asked::default() }
    }

    fn claims(&self) -> Vec<Option<String>> {
        self.asked.borrow().clone()
    }
}

impl TokenCredential for Asked {
    async fn get_token(&self, scopes: &[&str], options: &GetTokenOptions<'_>) -> Result<AccessToken, CredentialError> {
        assert_eq!(scopes, ["https://webpubsub.azure.com/.default"]);
        self.asked.borrow_mut().push(options.claims.map(str::to_owned));
        let number = self.asked.borrow().len();
        let mut polls = self.polls.get();
        std::future::poll_fn(|_| {
            polls = polls.saturating_sub(1);
            if polls == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        let answer = self.answers.borrow_mut().pop_front();
        answer.unwrap_or_else(|| Ok(token(&format!("entra-{number}"), 3_600_000)))
    }
}

fn token(token: &str, lifetime_ms: u64) -> AccessToken {
    AccessToken { token: token.to_owned(), expires_on_ms: START + lifetime_ms }
}

fn with_entra<C: TokenCredential>(script: &Script, credential: C) -> ServiceClient<&Script, EntraId<C>> {
    let client = ServiceClient::new(Endpoint::parse("https://x").unwrap(), credential, "h", script).unwrap();
    client.with_total_timeout_ms(0)
}

mod keys {
    use super::*;

    #[test]
    fn a_key_can_be_replaced_and_the_next_call_signs_with_it() {
        let script = script([]);
        let key = AzureKeyCredential::new("first").unwrap();
        let client = ServiceClient::new(Endpoint::parse("https://x").unwrap(), key.clone(), "h", &script).unwrap();
        let copy = client.clone();
        let mint = || copy.client_access(&ClientTokenOptions::default()).unwrap();
        let first = mint();
        key.update("second").unwrap();
        assert_ne!(mint(), first);
        for bad in ["", " ", "a\nb"] {
            assert!(AzureKeyCredential::new(bad).is_err(), "{bad:?}");
            assert!(key.update(bad).is_err(), "{bad:?}");
        }
        key.update("first").unwrap();
        assert_eq!(mint(), first);
    }
}

mod entra_id {
    use super::*;

    fn post<C: TokenCredential>(client: &ServiceClient<&Script, EntraId<C>>) -> Result<(), ServiceError> {
        run(client.send_to_all(Message::Text(""), &NONE))
    }

    #[test]
    fn a_credential_is_asked_once_and_again_before_its_token_expires() {
        let script = script([sent(), sent(), sent()]);
        let credential = Asked::default();
        let client = with_entra(&script, &credential);
        post(&client).unwrap();
        script.now.set(START + 3_600_000 - 120_001);
        post(&client.clone()).unwrap();
        script.now.set(START + 3_600_000 - 120_000);
        post(&client).unwrap();
        assert_eq!(credential.claims(), [None, None]);
        assert_eq!(script.tokens(), ["entra-1", "entra-1", "entra-2"]);
    }

    #[test]
    fn calls_at_the_same_time_share_one_refresh_even_of_a_short_token() {
        let script = script([sent(), sent(), sent()]);
        let credential = Asked::answering([Ok(token("short", 1))]);
        credential.polls.set(2);
        let client = with_entra(&script, &credential);
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut calls: Vec<_> = (0..3).map(|_| Box::pin(client.send_to_all(Message::Text(""), &NONE))).collect();
        for call in &mut calls {
            assert!(call.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        for call in &mut calls {
            assert_eq!(call.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Ready(Ok(())));
        }
        assert_eq!(woken.0.load(Ordering::Relaxed), 1, "both that waited have this waker");
        assert_eq!(credential.claims(), [None]);
        assert_eq!(script.tokens(), ["short", "short", "short"]);
    }

    #[test]
    fn calls_at_the_same_time_share_one_failure() {
        let script = script([]);
        let credential = Asked::answering([Err(CredentialError::new("no"))]);
        credential.polls.set(2);
        let client = with_entra(&script, &credential);
        let mut calls: Vec<_> = (0..3).map(|_| Box::pin(client.user_exists("u"))).collect();
        let mut context = Context::from_waker(Waker::noop());
        calls.iter_mut().for_each(|call| assert!(call.as_mut().poll(&mut context).is_pending()));
        for call in &mut calls {
            let Poll::Ready(Err(ServiceError::Credential(error))) = call.as_mut().poll(&mut context) else {
                unreachable!("the failure of the credential")
            };
            assert_eq!(error.to_string(), "no");
        }
        assert_eq!(credential.claims(), [None]);
        assert!(script.sent.borrow().is_empty());
    }

    #[test]
    fn when_the_call_that_refreshes_is_given_up_another_takes_over() {
        let script = script([sent()]);
        let credential = Asked::default();
        credential.polls.set(2);
        let client = with_entra(&script, &credential);
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        let mut first = Box::pin(client.send_to_all(Message::Text(""), &NONE));
        let mut second = Box::pin(client.send_to_all(Message::Text(""), &NONE));
        assert!(first.as_mut().poll(&mut context).is_pending());
        assert!(second.as_mut().poll(&mut context).is_pending());
        drop(first);
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        assert!(second.as_mut().poll(&mut context).is_pending());
        assert_eq!(second.as_mut().poll(&mut context), Poll::Ready(Ok(())));
        assert_eq!(script.tokens(), ["entra-2"]);
    }

    #[test]
    fn a_token_that_is_still_good_is_better_than_none() {
        let script = script([sent(), sent()]);
        let no = || Err(CredentialError::new("no"));
        let credential = Asked::answering([Ok(token("old", 60_000)), no(), no()]);
        let client = with_entra(&script, &credential);
        post(&client).unwrap();
        post(&client).unwrap();
        assert_eq!(script.tokens(), ["old", "old"]);
        script.now.set(START + 60_000);
        assert_eq!(post(&client), Err(ServiceError::Credential(CredentialError::new("no"))));
        assert_eq!(credential.claims().len(), 3);
    }

    #[test]
    fn a_challenge_for_claims_is_answered_once() {
        let script = script([challenge(), sent(), challenge(), challenge()]);
        let credential = Asked::default();
        let client = with_entra(&script, &credential);
        post(&client).unwrap();
        let claims = || Some(r#"{"a":1}"#.to_owned());
        assert_eq!(credential.claims(), [None, claims()]);
        assert_eq!(script.tokens(), ["entra-1", "entra-2"]);
        let Err(ServiceError::Rest(error)) = post(&client) else { unreachable!("refused again") };
        assert_eq!(error.status, 401);
        assert_eq!(credential.claims(), [None, claims(), claims()]);
        assert_eq!(script.tokens()[2..], ["entra-2", "entra-3"]);
    }

    #[test]
    fn calls_that_were_refused_at_the_same_time_share_the_answer_to_the_challenge() {
        let script = script([challenge(), challenge(), sent(), sent()]);
        let credential = Asked::default();
        credential.polls.set(2);
        let client = with_entra(&script, &credential);
        let mut calls: Vec<_> = (0..2).map(|_| Box::pin(client.send_to_all(Message::Text(""), &NONE))).collect();
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..2 {
            calls.iter_mut().for_each(|call| assert!(call.as_mut().poll(&mut context).is_pending()));
        }
        calls.iter_mut().for_each(|call| assert_eq!(call.as_mut().poll(&mut context), Poll::Ready(Ok(()))));
        assert_eq!(credential.claims().len(), 2);
        assert_eq!(script.tokens(), ["entra-1", "entra-1", "entra-2", "entra-2"]);
    }

    #[test]
    fn the_answer_to_a_challenge_serves_every_further_try() {
        let script = script([challenge(), answer(429, &[("retry-after", "1")], ""), sent(), sent()]);
        let credential = Asked::default();
        let client = with_entra(&script, &credential);
        post(&client).unwrap();
        post(&client).unwrap();
        assert_eq!(credential.claims().len(), 2);
        assert_eq!(script.tokens(), ["entra-1", "entra-2", "entra-2", "entra-2"]);
    }

    #[test]
    fn a_401_without_claims_is_the_answer() {
        let script = script([answer(401, &[("www-authenticate", "Bearer")], "")]);
        let client = with_entra(&script, Asked::default());
        assert!(matches!(post(&client), Err(ServiceError::Rest(error)) if error.status == 401));
        let script = super::script([challenge()]);
        assert!(matches!(send(&script, "https://x"), Err(ServiceError::Rest(_))), "a key cannot answer a challenge");
    }

    #[test]
    fn a_token_that_no_header_can_carry_is_no_token() {
        for bad in ["", "a b", "a\r\nb", "é"] {
            let script = script([]);
            let client = with_entra(&script, Asked::answering([Ok(token(bad, 3_600_000))]));
            assert!(matches!(post(&client), Err(ServiceError::Credential(_))), "{bad:?}");
        }
    }

    #[test]
    fn tokens_go_over_https_only_or_to_this_machine_when_told_so() {
        for (endpoint, is_allowed, is_sent) in [
            ("http://x", false, false),
            ("http://x", true, false),
            ("http://127.0.0.1:1", false, false),
            ("http://127.0.0.1:1", true, true),
            ("https://x", false, true),
        ] {
            let script = script([sent()]);
            let credential = Asked::default();
            let endpoint_there = Endpoint::parse(endpoint).unwrap();
            let client = ServiceClient::new(endpoint_there, &credential, "h", &script).unwrap();
            let client = client.with_allow_insecure_connection(is_allowed);
            let expected = if is_sent { Ok(()) } else { Err(ServiceError::InsecureToken) };
            assert_eq!(post(&client), expected, "{endpoint} {is_allowed}");
            assert_eq!(credential.claims().len(), usize::from(is_sent), "{endpoint} {is_allowed}");
            let proxied = with_entra(&script, &credential).with_reverse_proxy(Endpoint::parse(endpoint).unwrap());
            if !is_sent {
                assert_eq!(post(&proxied.with_allow_insecure_connection(is_allowed)), expected, "{endpoint}");
            }
        }
    }

    #[test]
    fn a_connection_string_without_a_key_goes_with_a_credential() {
        let script = script([sent()]);
        let endpoint = ConnectionString::parse_keyless("Endpoint=https://y;AuthType=azure;Version=1.0;").unwrap();
        let client = ServiceClient::new(endpoint, Asked::default(), "h", &script).unwrap();
        post(&client).unwrap();
        assert!(script.sent.borrow()[0].url.starts_with("https://y/api/"));
    }

    #[test]
    fn the_service_mints() {
        let minted = || answer(200, &[], r#"{"token":"minted"}"#);
        let script = script([minted(), minted(), minted(), answer(200, &[], "{}")]);
        let client = with_entra(&script, Asked::default());
        let options = ClientTokenOptions {
            user_id: Some("u 1"),
            roles: &["r1", "r2"],
            groups: &["g"],
            lifetime_seconds: 359,
            protocol: ClientProtocol::Mqtt,
            ..Default::default()
        };
        let access = run(client.client_access(&options)).unwrap();
        assert_eq!(access.base_url(), "wss://x/clients/mqtt/hubs/h");
        assert_eq!((access.token(), access.url()), ("minted", "wss://x/clients/mqtt/hubs/h?access_token=minted"));
        assert_eq!(access.expires_on(), START / 1000 + 300);
        let short = ClientTokenOptions { lifetime_seconds: 1, ..Default::default() };
        assert_eq!(run(client.client_access(&short)).unwrap().expires_on(), START / 1000 + 60);
        run(client.client_access(&ClientTokenOptions::default())).unwrap();
        assert_eq!(run(client.client_access(&short)), Err(ServiceError::UnreadableAnswer));
        let sent = script.sent.borrow();
        let urls: Vec<_> = sent.iter().take(3).map(|sent| [sent.method, " ", &sent.url].concat()).collect();
        let path = "POST https://x/api/hubs/h/:generateToken?api-version=2024-12-01";
        assert_eq!(
            urls,
            [
                "&userId=u%201&role=r1&role=r2&minutesToExpire=5&group=g&clientType=mqtt",
                "&minutesToExpire=1",
                "&minutesToExpire=60",
            ]
            .map(|query| [path, query].concat())
        );
        let default = ClientTokenOptions::default;
        for (options, error) in [
            (ClientTokenOptions { claims: &[("a", "1")], ..default() }, ServiceError::ClaimsNeedKey),
            (ClientTokenOptions { header: &[("kid", "1")], ..default() }, ServiceError::ClaimsNeedKey),
            (ClientTokenOptions { lifetime_seconds: 0, ..default() }, Error::Lifetime.into()),
            (ClientTokenOptions { roles: &[""], ..default() }, Error::Role.into()),
        ] {
            assert_eq!(run(client.client_access(&options)), Err(error));
        }
    }

    #[test]
    fn clients_of_two_hubs_share_tokens() {
        let script = script([sent(), sent()]);
        let credential = Asked::default();
        let entra = EntraId::new(&credential);
        for hub in ["a", "b"] {
            let endpoint = Endpoint::parse("https://x").unwrap();
            post(&ServiceClient::new(endpoint, entra.clone(), hub, &script).unwrap()).unwrap();
        }
        assert_eq!(script.tokens(), ["entra-1", "entra-1"]);
    }

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

mod entra_credentials {
    use super::*;

    const SCOPES: &[&str] = &["scope/.default"];

    fn given() -> Result<Response, Failure> {
        answer(200, &[], r#"{"access_token":"T","expires_in":3599}"#)
    }

    #[test]
    fn entra_id_gives_tokens_for_a_secret_and_for_an_assertion() {
        let script = script([given(), given(), given()]);
        let secret = ClientSecretCredential::new("tenant", "client", "s&=c ret", &script).unwrap();
        let token = run(secret.get_token(SCOPES, &GetTokenOptions { claims: Some("{}") }));
        assert_eq!(token, Ok(super::token("T", 3_599_000)));
        let count = Cell::new(0);
        let function = || {
            count.set(count.get() + 1);
            std::future::ready(Ok(format!("jwt-{}", count.get())))
        };
        let asked = ClientAssertionCredential::new("tenant", "client", function, &script).unwrap();
        let asked = asked.with_authority_host("https://login.example/").unwrap();
        run(asked.get_token(SCOPES, &GetTokenOptions::default())).unwrap();
        let fixed = ClientAssertionCredential::new("tenant", "client", "fixed".to_owned(), &script).unwrap();
        run(fixed.get_token(SCOPES, &GetTokenOptions::default())).unwrap();

        let start = "grant_type=client_credentials&client_id=client&scope=scope%2F.default";
        let assertion = "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
        for (sent, (host, end)) in script.sent.borrow().iter().zip([
            ("login.microsoftonline.com", "client_secret=s%26%3Dc%20ret&claims=%7B%7D".to_owned()),
            ("login.example", format!("{assertion}&client_assertion=jwt-1")),
            ("login.microsoftonline.com", format!("{assertion}&client_assertion=fixed")),
        ]) {
            assert_eq!((sent.method, &*sent.url), ("POST", &*format!("https://{host}/tenant/oauth2/v2.0/token")));
            assert_eq!(sent.body, format!("{start}&{end}"));
            assert_eq!(sent.header("content-type"), "application/x-www-form-urlencoded");
        }
    }

    #[test]
    fn what_entra_id_refuses_is_said_without_the_secret() {
        for (answer, why) in [
            (
                answer(401, &[], r#"{"error":"invalid_client","error_description":"SECRET"}"#),
                "Entra ID gave no token (status 401, invalid_client).",
            ),
            (
                answer(400, &[], r#"{"error":"SECRET is wrong"}"#),
                "Entra ID gave no token (status 400, no reason given).",
            ),
            (answer(200, &[], r#"{"access_token":"T"}"#), "Entra ID gave no token (status 200, no reason given)."),
            (
                answer(200, &[], r#"{"access_token":"T","expires_in":0}"#),
                "Entra ID gave no token (status 200, no reason given).",
            ),
            (answer(302, &[], ""), "Entra ID gave no token (status 302, no reason given)."),
            (Err(Failure::NotSent), "Entra ID could not be reached: check the authority host."),
        ] {
            let script = script([answer]);
            let secret = ClientSecretCredential::new("tenant", "client", "SECRET", &script).unwrap();
            let error = run(secret.get_token(SCOPES, &GetTokenOptions::default())).unwrap_err();
            assert_eq!(error.to_string(), why);
        }
        let script = script([answer(200, &[], r#"{"access_token":"T","expires_in":"60"}"#)]);
        let secret = ClientSecretCredential::new("tenant", "client", "SECRET", &script).unwrap();
        assert_eq!(run(secret.get_token(SCOPES, &GetTokenOptions::default())), Ok(super::token("T", 60_000)));
    }

    #[test]
    fn arguments_that_cannot_be_used_are_refused() {
        let script = script([]);
        for (tenant, client, secret) in
            [("", "c", "s"), ("t", "", "s"), ("t", "c", ""), ("../x", "c", "s"), ("..", "c", "s"), ("t/u", "c", "s")]
        {
            assert!(
                ClientSecretCredential::new(tenant, client, secret, &script).is_err(),
                "{tenant} {client} {secret}"
            );
        }
        for (host, is_good) in [
            ("https://login.chinacloudapi.cn", true),
            ("http://127.0.0.1:8080", true),
            ("http://login.example", false),
            ("ftp://login.example", false),
            ("", false),
        ] {
            let credential = ClientSecretCredential::new("t", "c", "s", &script).unwrap();
            assert_eq!(credential.with_authority_host(host).is_ok(), is_good, "{host}");
        }
        let empty = ClientAssertionCredential::new("t", "c", String::new(), &script).unwrap();
        let error = run(empty.get_token(SCOPES, &GetTokenOptions::default())).unwrap_err();
        assert_eq!(error.to_string(), "The assertion is empty.");
    }
}
