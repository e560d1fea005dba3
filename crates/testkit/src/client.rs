//! A client in one role, and the answers it gets.

use axum::body::Body;
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use mottak_web::server::Server;
use serde_json::Value;

/// Somebody who talks to the server.
#[derive(Clone, Debug)]
pub struct Client {
    server: Server,
    token: Option<String>,
    component_token: Option<String>,
}

/// A request being put together.
#[derive(Debug)]
pub struct Sending {
    client: Client,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Body,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Client {
    pub(crate) fn new(server: Server, token: Option<String>) -> Self {
        Self { server, token, component_token: None }
    }

    /// The same client with a platform access token beside the token it may have.
    #[must_use]
    pub fn with_component_token(mut self, token: String) -> Self {
        self.component_token = Some(token);
        self
    }

    /// The token this client shows.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The same client without its bearer token; for tests that send the token another way.
    #[must_use]
    pub fn without_token(mut self) -> Self {
        self.token = None;
        self
    }

    pub fn get(&self, path: impl Into<String>) -> Sending {
        self.request(Method::GET, path)
    }

    pub fn post(&self, path: impl Into<String>) -> Sending {
        self.request(Method::POST, path)
    }

    pub fn put(&self, path: impl Into<String>) -> Sending {
        self.request(Method::PUT, path)
    }

    pub fn patch(&self, path: impl Into<String>) -> Sending {
        self.request(Method::PATCH, path)
    }

    pub fn delete(&self, path: impl Into<String>) -> Sending {
        self.request(Method::DELETE, path)
    }

    /// Any method. `path` is path and query, as they go over the wire.
    pub fn request(&self, method: Method, path: impl Into<String>) -> Sending {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("localhost"));
        if let Some(token) = &self.token {
            let bearer = HeaderValue::from_str(&format!("Bearer {token}")).expect("a token fits a header");
            headers.insert(AUTHORIZATION, bearer);
        }
        if let Some(token) = &self.component_token {
            let token = HeaderValue::from_str(token).expect("a token fits a header");
            headers.insert(HeaderName::from_static("platformaccesstoken"), token);
        }
        Sending { client: self.clone(), method, path: path.into(), headers, body: Body::empty() }
    }
}

impl Sending {
    /// Sets a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        self.headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).expect("a header value"));
        self
    }

    /// Sends a header once more, beside those of its name.
    #[must_use]
    pub fn header_again(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        self.headers.append(name, HeaderValue::from_bytes(value.as_bytes()).expect("a header value"));
        self
    }

    /// What kind of answer is wanted.
    #[must_use]
    pub fn accept(self, accept: &str) -> Self {
        self.header(ACCEPT.as_str(), accept)
    }

    /// A JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// A body with its content type and length.
    #[must_use]
    pub fn body(self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.header(CONTENT_TYPE.as_str(), content_type).bytes(body)
    }

    /// A body with its length and no content type.
    #[must_use]
    pub fn bytes(mut self, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        self.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        self.body = Body::from(body);
        self
    }

    /// A body in pieces whose length is not announced.
    #[must_use]
    pub fn chunked(self, content_type: &str, body: Body) -> Self {
        let mut sending = self.header(CONTENT_TYPE.as_str(), content_type);
        sending.body = body;
        sending
    }

    /// A file: its disposition says the name.
    #[must_use]
    pub fn file(self, name: &str, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.header(CONTENT_DISPOSITION.as_str(), &format!("attachment; filename=\"{name}\"")).body(content_type, body)
    }

    /// Multipart form data: name, file name, content type, bytes of each part.
    #[must_use]
    pub fn multipart(self, parts: &[(&str, Option<&str>, &str, &[u8])]) -> Self {
        const BOUNDARY: &str = "a-boundary-that-occurs-nowhere-else";
        let mut body = Vec::new();
        for (name, filename, content_type, bytes) in parts {
            let filename = filename.map(|filename| format!("; filename=\"{filename}\"")).unwrap_or_default();
            body.extend_from_slice(
                format!(
                    "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{filename}\r\n\
                     Content-Type: {content_type}\r\n\r\n"
                )
                .as_bytes(),
            );
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        self.body(&format!("multipart/form-data; boundary={BOUNDARY}"), body)
    }

    /// Sends it and waits for the whole answer.
    pub async fn send(self) -> Answer {
        let mut request = Request::builder()
            .method(self.method)
            .uri(&self.path)
            .body(self.body)
            .unwrap_or_else(|error| panic!("{} is no path: {error}", self.path));
        *request.headers_mut() = self.headers;
        let response = self.client.server.answer(request).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("the answer arrives in full").to_bytes();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("not JSON ({error}), status {}: {}", self.status, self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The same answer if it has this status; panics with what it says otherwise.
    #[expect(clippy::return_self_not_must_use, reason = "many callers want the check alone")]
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }
}
