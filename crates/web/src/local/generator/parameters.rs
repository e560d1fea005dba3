//! The parameters of the generator. All that is wrong with them is told at once.

use mottak_model::Guid;
use serde_json::{Map, Value};

use super::super::query::Fields;

const MISSING: &str = "Parameter must be supplied";
const INVALID: &str = "Parameter was supplied with an invalid value";
/// The most tokens that are made at once.
const MAX_COUNT: usize = 1000;

/// A query, and what has been found wrong with it so far.
#[derive(Debug)]
pub(super) struct Parameters {
    fields: Fields,
    wrong: Map<String, Value>,
}

impl Parameters {
    pub(super) fn parse(query: &str) -> Self {
        Self { fields: Fields::parse(query.as_bytes()), wrong: Map::new() }
    }

    /// Whether a parameter has a value.
    pub(super) fn is_given(&self, name: &str) -> bool {
        self.text(name).is_some()
    }

    /// The value of a parameter; `None` when there is none, or a wrong one, which is noted.
    pub(super) fn optional<T>(&mut self, name: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let value = read(self.text(name)?);
        if value.is_none() {
            self.wrong.insert(name.to_owned(), INVALID.into());
        }
        value
    }

    /// The same where it is wrong to leave it out.
    pub(super) fn needed<T>(&mut self, name: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        if !self.is_given(name) {
            self.wrong.insert(name.to_owned(), MISSING.into());
        }
        self.optional(name, read)
    }

    /// What is wrong, by parameter, when anything is.
    pub(super) fn wrong(self) -> Option<Value> {
        if self.wrong.is_empty() { None } else { Some(Value::Object(self.wrong)) }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(&name.to_lowercase())
    }
}

/// Short and of these characters.
fn is_of(text: &str, lengths: std::ops::RangeInclusive<usize>, is_allowed: fn(u8) -> bool) -> bool {
    lengths.contains(&text.len()) && text.bytes().all(is_allowed)
}

fn kept(text: &str, is_right: bool) -> Option<String> {
    is_right.then(|| text.to_owned())
}

/// The name of an environment: `tt02`, `at22`, `none`.
pub(super) fn environment(text: &str) -> Option<String> {
    kept(text, is_of(text, 2..=10, |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
}

/// Scopes, with blanks between. Commas count as blanks.
pub(super) fn scopes(text: &str) -> Option<String> {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b":/_-,. ".contains(&byte);
    let scopes = text.split([',', ' ']).filter(|scope| !scope.is_empty());
    is_of(text, 1..=500, is_allowed).then(|| scopes.collect::<Vec<_>>().join(" "))
}

/// An organisation number.
pub(super) fn org_number(text: &str) -> Option<String> {
    kept(text, is_of(text, 9..=9, |byte| byte.is_ascii_digit()))
}

/// A national identity number.
pub(super) fn person_number(text: &str) -> Option<String> {
    kept(text, is_of(text, 11..=11, |byte| byte.is_ascii_digit()))
}

/// Either number.
pub(super) fn any_number(text: &str) -> Option<String> {
    org_number(text).or_else(|| person_number(text))
}

/// A name of users, organisations and methods.
pub(super) fn identifier(text: &str) -> Option<String> {
    kept(text, is_of(text, 1..=50, is_of_identifier))
}

/// A name of apps and components: as [`identifier`], with single dots inside.
pub(super) fn component(text: &str) -> Option<String> {
    let has_good_parts = text.split('.').all(|part| !part.is_empty() && part.bytes().all(is_of_identifier));
    kept(text, (2..=50).contains(&text.len()) && has_good_parts)
}

fn is_of_identifier(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// An e-mail address, as far as anybody can tell.
pub(super) fn email(text: &str) -> Option<String> {
    let is_right = text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && !host.is_empty() && !host.contains('@') && text.chars().count() <= 50
    });
    kept(text, is_right)
}

/// The id of a user or party.
pub(super) fn id(text: &str) -> Option<i32> {
    text.parse().ok().filter(|id| *id >= 0)
}

pub(super) fn guid(text: &str) -> Option<Guid> {
    text.parse().ok()
}

/// An authentication level, kept as text.
pub(super) fn level(text: &str) -> Option<String> {
    kept(text, matches!(text, "1" | "2" | "3" | "4"))
}

/// How many tokens; 0 means one, by itself.
pub(super) fn count(text: &str) -> Option<usize> {
    text.parse().ok().filter(|count| *count <= MAX_COUNT)
}

/// An absolute URI.
pub(super) fn uri(text: &str) -> Option<String> {
    let is_right = text.split_once(':').is_some_and(|(scheme, rest)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
            && rest.bytes().all(|byte| byte.is_ascii_graphic())
            && !rest.is_empty()
    });
    kept(text, is_right)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn everything_that_is_wrong_is_told() {
        let mut parameters = Parameters::parse("ENV=tt02&pid=123&empty=&scopes=A");
        assert_eq!(parameters.needed("env", environment).as_deref(), Some("tt02"));
        assert_eq!(parameters.needed("scopes", scopes), None);
        assert_eq!(parameters.optional("pid", person_number), None);
        assert_eq!(parameters.needed("empty", identifier), None);
        assert_eq!(parameters.optional("absent", identifier), None);
        let wrong = json!({"scopes": INVALID, "pid": INVALID, "empty": MISSING});
        assert_eq!(parameters.wrong(), Some(wrong));
        assert_eq!(Parameters::parse("").wrong(), None);
    }

    #[test]
    fn values_are_what_they_should_be() {
        let texts = |read: fn(&str) -> Option<String>, right: &[&str], wrong: &[&str]| {
            for text in right {
                assert_eq!(read(text).as_deref(), Some(*text));
            }
            for text in wrong {
                assert_eq!(read(text), None, "{text}");
            }
        };
        texts(environment, &["tt02", "none", "at22"], &["t", "TT02", "tt-02", "abcdefghijk"]);
        texts(org_number, &["043871668"], &["43871668", "0438716680", "04387166x", "٠٤٣٨٧١٦٦٨"]);
        texts(person_number, &["01039012345"], &["0103901234", "x1039012345"]);
        texts(any_number, &["991825827", "01039012345"], &["9918258270"]);
        texts(identifier, &["TTD-1_x"], &["a.b", "a b", "å", &"a".repeat(51)]);
        texts(component, &["k6-e2e-tests", "a.b", "aB"], &["a", ".a", "a.", "a..b", "a/b"]);
        texts(email, &["ola@example.no"], &["ola", "@example.no", "ola@", "a@b@c", &format!("{}@b", "a".repeat(50))]);
        texts(level, &["1", "4"], &["0", "5", "7", "x", "03"]);
        texts(uri, &["https://example.no/a", "urn:a:b"], &["/a", "example.no", "1a:b", "https:", "a:b c"]);
        assert_eq!(scopes("a:b/c.read,d:e  f").as_deref(), Some("a:b/c.read d:e f"));
        assert_eq!(scopes("altinn:Serviceowner"), None);
        assert_eq!(scopes(&"a".repeat(501)), None);
        assert_eq!((id("0"), id("1337"), id("-1"), id("2147483648")), (Some(0), Some(1337), None, None));
        assert_eq!((count("0"), count("1000"), count("1001"), count("-1")), (Some(0), Some(1000), None, None));
    }
}
