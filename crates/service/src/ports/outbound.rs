//! What the server asks of other servers over HTTP: keys of other issuers, logins elsewhere, notices.

use std::fmt;

use bytes::Bytes;

use super::PortFuture;

/// HTTP out. What holds for every request: five seconds at most, no redirect is followed, and plain `http` is for
/// addresses of this machine alone, where the deployment permits it (platform-authentication §6.1).
pub trait Outbound: fmt::Debug + Send + Sync + 'static {
    /// Sends a request and answers with what came back, whatever its status.
    fn send(&self, request: OutboundRequest) -> PortFuture<'_, Result<OutboundAnswer, OutboundFailure>>;
}

/// A request. Not shown by `Debug` but for its method and host: the rest may hold secrets.
#[derive(Clone)]
pub struct OutboundRequest {
    pub method: OutboundMethod,
    /// Absolute.
    pub address: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    /// The longest answer that is read, in bytes; a longer one is a failure.
    pub limit: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboundMethod {
    Get,
    Post,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct OutboundAnswer {
    pub status: u16,
    pub body: Bytes,
}

/// No answer came, or none that could be read. Tells neither what was sent nor what came back.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{host} did not answer: {cause}")]
pub struct OutboundFailure {
    pub host: String,
    pub cause: String,
}

impl OutboundRequest {
    /// The longest document of keys or addresses, in bytes.
    pub const DOCUMENT: usize = 1024 * 1024;

    /// Asks for a document.
    pub fn get(address: &str) -> Self {
        Self {
            method: OutboundMethod::Get,
            address: address.to_owned(),
            headers: vec![("accept".to_owned(), "application/json".to_owned())],
            body: Bytes::new(),
            limit: Self::DOCUMENT,
        }
    }

    /// Sends a form.
    pub fn form(address: &str, encoded: String) -> Self {
        let form = ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned());
        let mut request = Self::get(address);
        request.method = OutboundMethod::Post;
        request.headers.push(form);
        request.body = Bytes::from(encoded);
        request
    }

    /// Host and port of the address, for messages.
    pub fn host(&self) -> &str {
        let rest = self.address.split_once("://").map_or(self.address.as_str(), |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        authority.rsplit('@').next().unwrap_or_default()
    }
}

impl fmt::Debug for OutboundRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboundRequest")
            .field("method", &self.method)
            .field("host", &self.host())
            .finish_non_exhaustive()
    }
}
