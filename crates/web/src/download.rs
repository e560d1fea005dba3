//! Bodies of data elements on their way out: streamed, never collected; in part or not at all where the client asks for
//! that (RFC 9110 §13, §14).

use std::fmt::Write as _;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH,
    IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use futures_util::stream;
use mottak_model::{DataElement, Guid};
use mottak_service::ports::{Blob, BlobRange, BlobStream, Sha256, StoredBody};

use crate::disposition::attachment;
use crate::response::empty;

/// What a request says about the part it wants and the conditions for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    if_match: Option<String>,
    if_none_match: Option<String>,
    if_range: Option<String>,
    range: Option<Range>,
}

/// A range of bytes as it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Range {
    /// From here to there, both included, or to the end.
    From(u64, Option<u64>),
    /// The last bytes.
    Last(u64),
}

/// What a request gets.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Given {
    Whole,
    Part(BlobRange),
    NotModified,
    PreconditionFailed,
    /// There is nothing in the range.
    Unsatisfiable,
}

/// Chooses the part to read: [`mottak_service::ports::Choice`], owned.
type OwnedChoice<'a> = Box<dyn Fn(u64, Option<&Sha256>) -> Option<BlobRange> + Send + Sync + 'a>;

impl Asked {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        // A header that comes more than once is a list, its lines joined.
        let list = |name: HeaderName| {
            let lines: Option<Vec<&str>> = headers.get_all(&name).iter().map(|value| value.to_str().ok()).collect();
            lines.filter(|lines| !lines.is_empty()).map(|lines| lines.join(","))
        };
        Self {
            if_match: list(IF_MATCH),
            if_none_match: list(IF_NONE_MATCH),
            if_range: list(IF_RANGE).map(|value| value.trim().to_owned()),
            range: list(RANGE).and_then(|value| Range::parse(&value)),
        }
    }

    /// How the part to read is chosen; `None` for the whole, unconditionally.
    pub(crate) fn choice(&self) -> Option<OwnedChoice<'_>> {
        if *self == Self::default() {
            return None;
        }
        Some(Box::new(|size, sha256| match self.decide(size, sha256) {
            Given::Whole => None,
            Given::Part(part) => Some(part),
            Given::NotModified | Given::PreconditionFailed | Given::Unsatisfiable => Some(0..0),
        }))
    }

    /// In the order of RFC 9110 §13.2.2.
    fn decide(&self, size: u64, sha256: Option<&Sha256>) -> Given {
        let tag = sha256.map(entity_tag);
        let lists = |tags: &str| tags.trim() == "*" || tag.as_deref().is_some_and(|tag| any_is(tags, tag));
        if self.if_match.as_deref().is_some_and(|tags| !lists(tags)) {
            return Given::PreconditionFailed;
        }
        if self.if_none_match.as_deref().is_some_and(lists) {
            return Given::NotModified;
        }
        // A date as the condition never holds: there is none in our answers.
        let is_same = self.if_range.is_none() || self.if_range == tag;
        match self.range.filter(|_| is_same) {
            None => Given::Whole,
            Some(range) => range.within(size).map_or(Given::Unsatisfiable, Given::Part),
        }
    }
}

/// Whether a tag is in a list; a weak one is not the same bytes but counts as the same content (RFC 9110 §8.8.3.2).
fn any_is(tags: &str, tag: &str) -> bool {
    // Our tags hold no comma.
    tags.split(',').map(str::trim).any(|candidate| candidate.strip_prefix("W/").unwrap_or(candidate) == tag)
}

/// The checksum as a strong entity tag.
fn entity_tag(sha256: &Sha256) -> String {
    let mut tag = String::with_capacity(2 * sha256.len() + 2);
    tag.push('"');
    for byte in sha256 {
        // Writing to a string does not fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

impl Range {
    /// One range of bytes. What cannot be read, or is more than one range, is as if it were not there.
    fn parse(value: &str) -> Option<Self> {
        let (unit, ranges) = value.split_once('=')?;
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return None;
        }
        let (first, last) = ranges.trim().split_once('-')?;
        let number = |digits: &str| {
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            // A number that is too large is beyond every end.
            is_number.then(|| digits.parse().unwrap_or(u64::MAX))
        };
        match (first, last) {
            ("", last) => Some(Self::Last(number(last)?)),
            (first, "") => Some(Self::From(number(first)?, None)),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                (first <= last).then_some(Self::From(first, Some(last)))
            }
        }
    }

    /// What lies in it of a content of this size; `None` if that is nothing.
    fn within(self, size: u64) -> Option<BlobRange> {
        let part = match self {
            Self::From(first, None) => first..size,
            Self::From(first, Some(last)) => first..last.saturating_add(1).min(size),
            Self::Last(count) => size.saturating_sub(count)..size,
        };
        (!part.is_empty()).then_some(part)
    }
}

/// The answer that carries an element's content, or the part of it that was asked for and therefore read.
pub(crate) fn download(body: StoredBody, asked: &Asked) -> Response {
    let StoredBody { element, size, sha256, blob } = body;
    let mut response = match asked.decide(size, sha256.as_ref()) {
        Given::Whole => content(&element, StatusCode::OK, blob),
        Given::Part(part) => {
            let mut response = content(&element, StatusCode::PARTIAL_CONTENT, blob);
            set(&mut response, CONTENT_RANGE, &format!("bytes {}-{}/{size}", part.start, part.end - 1));
            response
        }
        Given::NotModified => empty(StatusCode::NOT_MODIFIED),
        Given::PreconditionFailed => empty(StatusCode::PRECONDITION_FAILED),
        Given::Unsatisfiable => {
            let mut response = empty(StatusCode::RANGE_NOT_SATISFIABLE);
            set(&mut response, CONTENT_RANGE, &format!("bytes */{size}"));
            response
        }
    };
    response.headers_mut().insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Some(sha256) = &sha256 {
        set(&mut response, ETAG, &entity_tag(sha256));
    }
    response
}

fn content(element: &DataElement, status: StatusCode, blob: Blob) -> Response {
    let (length, body) = match blob {
        Blob::Bytes(bytes) => (bytes.len() as u64, Body::from(bytes)),
        Blob::Stream(stream) => (stream.len(), Body::from_stream(pieces(element.id, stream))),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let content_type = element.content_type.as_deref().and_then(|text| HeaderValue::from_str(text).ok());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type.unwrap_or(HeaderValue::from_static("application/octet-stream")));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    if let Some(filename) = &element.filename {
        set(&mut response, CONTENT_DISPOSITION, &attachment(filename));
    }
    response
}

/// Sets a header; a value that no header can have is left out.
fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn pieces(
    element: Guid,
    stream: Box<dyn BlobStream>,
) -> impl futures_util::Stream<Item = Result<bytes::Bytes, std::io::Error>> {
    stream::unfold(stream, move |mut stream| async move {
        match stream.next().await {
            Ok(Some(piece)) => Some((Ok(piece), stream)),
            Ok(None) => None,
            Err(failure) => {
                // The length was promised; ending early tells the client that it did not get everything.
                tracing::error!(%element, %failure, "a download was broken off");
                Some((Err(std::io::Error::other(failure.to_string())), stream))
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::BodyExt as _;
    use mottak_service::ports::{BlobFailure, PortFuture};

    use super::*;

    fn asked(headers: &[(HeaderName, &'static str)]) -> Asked {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, HeaderValue::from_static(value));
        }
        Asked::of(&map)
    }

    fn range(value: &'static str, size: u64) -> Given {
        asked(&[(RANGE, value)]).decide(size, None)
    }

    #[test]
    fn a_range_is_what_lies_within_the_content() {
        assert_eq!(range("bytes=0-0", 10), Given::Part(0..1));
        assert_eq!(range("bytes=2-5", 10), Given::Part(2..6));
        assert_eq!(range("bytes=2-", 10), Given::Part(2..10));
        assert_eq!(range("bytes=9-99999999999999999999999", 10), Given::Part(9..10));
        assert_eq!(range("bytes=-3", 10), Given::Part(7..10));
        assert_eq!(range("bytes=-30", 10), Given::Part(0..10));
        assert_eq!(range("BYTES = 0-4", 10), Given::Part(0..5));
    }

    #[test]
    fn a_range_with_nothing_in_it_cannot_be_satisfied() {
        for (value, size) in
            [("bytes=10-", 10), ("bytes=10-12", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=-5", 0)]
        {
            assert_eq!(range(value, size), Given::Unsatisfiable, "{value} of {size}");
        }
    }

    #[test]
    fn what_is_no_single_range_of_bytes_is_passed_over() {
        for value in
            ["bytes", "bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "bytes=0-1,4-5", "lines=0-1", "bytes=+1-2"]
        {
            assert_eq!(range(value, 10), Given::Whole, "{value}");
        }
        assert_eq!(asked(&[(RANGE, "bytes=0-1"), (RANGE, "bytes=3-4")]).decide(10, None), Given::Whole);
    }

    const CONTENT: Sha256 = [0xab; 32];
    const TAG: &str = "\"abababababababababababababababababababababababababababababababab\"";
    const WEAK: &str = "W/\"abababababababababababababababababababababababababababababababab\"";

    #[test]
    fn conditions_are_asked_in_their_order() {
        let decide = |headers: &[(HeaderName, &'static str)]| asked(headers).decide(10, Some(&CONTENT));
        assert_eq!(entity_tag(&CONTENT), TAG);
        assert_eq!(decide(&[(IF_NONE_MATCH, TAG)]), Given::NotModified);
        assert_eq!(decide(&[(IF_NONE_MATCH, "\"other\", "), (IF_NONE_MATCH, WEAK)]), Given::NotModified);
        assert_eq!(decide(&[(IF_NONE_MATCH, "*"), (RANGE, "bytes=0-1")]), Given::NotModified);
        assert_eq!(decide(&[(IF_NONE_MATCH, "\"other\"")]), Given::Whole);
        assert_eq!(decide(&[(IF_MATCH, TAG), (RANGE, "bytes=0-1")]), Given::Part(0..2));
        assert_eq!(decide(&[(IF_MATCH, "\"other\""), (IF_NONE_MATCH, TAG)]), Given::PreconditionFailed);
        assert_eq!(decide(&[(IF_RANGE, TAG), (RANGE, "bytes=0-1")]), Given::Part(0..2));
        for other in [WEAK, "\"other\"", "Tue, 15 Nov 1994 12:45:26 GMT"] {
            assert_eq!(decide(&[(IF_RANGE, other), (RANGE, "bytes=0-1")]), Given::Whole, "{other}");
        }
        assert_eq!(asked(&[(IF_RANGE, TAG), (RANGE, "bytes=0-1")]).decide(10, None), Given::Whole);
    }

    /// A body of eight bytes that breaks in the middle.
    struct Broken(u8);

    impl BlobStream for Broken {
        fn len(&self) -> u64 {
            8
        }

        fn next(&mut self) -> PortFuture<'_, Result<Option<Bytes>, BlobFailure>> {
            self.0 += 1;
            let failure = || BlobFailure { attempt: "read a body".to_owned(), cause: "it is damaged".to_owned() };
            let next = if self.0 == 1 { Ok(Some(Bytes::from_static(b"half"))) } else { Err(failure()) };
            Box::pin(async move { next })
        }
    }

    #[tokio::test]
    async fn a_body_that_breaks_ends_the_answer_as_broken() {
        let element = DataElement::new(Guid::from_u128(1), Guid::from_u128(2), "vedlegg");
        let body = StoredBody { element, size: 8, sha256: None, blob: Blob::Stream(Box::new(Broken(0))) };
        let answer = download(body, &Asked::default());
        assert_eq!(answer.headers()[CONTENT_LENGTH], "8");
        assert!(answer.into_body().collect().await.is_err());
    }

    #[test]
    fn a_plain_request_needs_no_choice() {
        assert!(asked(&[(ACCEPT_RANGES, "bytes")]).choice().is_none());
        assert!(asked(&[(RANGE, "bytes=0-1")]).choice().is_some());
    }
}
