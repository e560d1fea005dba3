//! Field paths: dotted JSON names with an optional index per part, such as `a.b[2].c` (contract app-forms §3.1).

use std::fmt;
use std::str::FromStr;

/// A path of field names and indices into a form document.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct FieldPath {
    parts: Vec<PathPart>,
}

/// One part of a path: a member, and a row of it when the member is a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PathPart {
    pub name: String,
    pub index: Option<usize>,
}

/// The text is no path: an empty part, or brackets that do not hold a number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a path of field names")]
pub struct PathSyntaxError(pub String);

impl FieldPath {
    /// The path of no parts: the whole document.
    pub fn root() -> Self {
        Self::default()
    }

    pub fn parts(&self) -> &[PathPart] {
        &self.parts
    }

    /// This path, one member further.
    pub fn member(&self, name: &str) -> Self {
        let mut parts = self.parts.clone();
        parts.push(PathPart { name: name.to_owned(), index: None });
        Self { parts }
    }

    /// The row `index` of the list this path names. The root has no rows: it stays itself.
    pub fn row(&self, index: usize) -> Self {
        let mut parts = self.parts.clone();
        if let Some(last) = parts.last_mut() {
            last.index = Some(index);
        }
        Self { parts }
    }

    /// The indices along the path, outermost first.
    pub fn row_indices(&self) -> Vec<usize> {
        self.parts.iter().filter_map(|part| part.index).collect()
    }

    /// True when `self` is `prefix` or lies below it, compared part by part. A prefix without index covers all rows.
    pub fn starts_with(&self, prefix: &Self) -> bool {
        self.parts.len() >= prefix.parts.len()
            && self.parts.iter().zip(&prefix.parts).all(|(part, prefix)| {
                part.name == prefix.name && (prefix.index.is_none() || part.index == prefix.index)
            })
    }
}

impl From<Vec<PathPart>> for FieldPath {
    fn from(parts: Vec<PathPart>) -> Self {
        Self { parts }
    }
}

impl FromStr for FieldPath {
    type Err = PathSyntaxError;

    fn from_str(text: &str) -> Result<Self, PathSyntaxError> {
        let parts = text.split('.').map(parse_part).collect::<Option<Vec<_>>>();
        parts.map(|parts| Self { parts }).ok_or_else(|| PathSyntaxError(text.to_owned()))
    }
}

fn parse_part(text: &str) -> Option<PathPart> {
    let (name, index) = match text.split_once('[') {
        Some((name, rest)) => {
            let digits = rest.strip_suffix(']')?;
            if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            (name, Some(digits.parse().ok()?))
        }
        None => (text, None),
    };
    (!name.is_empty()).then(|| PathPart { name: name.to_owned(), index })
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, part) in self.parts.iter().enumerate() {
            if position > 0 {
                f.write_str(".")?;
            }
            f.write_str(&part.name)?;
            if let Some(index) = part.index {
                write!(f, "[{index}]")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_and_print_alike() {
        for text in ["a", "a.b", "a[0].b[12].c-d", "Æ_1.x"] {
            assert_eq!(text.parse::<FieldPath>().expect("a path").to_string(), text);
        }
        for text in ["", ".", "a..b", "a[", "a[]", "a[x]", "a[1]b", "[0]", "a[99999999999999999999999]"] {
            assert!(text.parse::<FieldPath>().is_err(), "{text}");
        }
    }

    #[test]
    fn prefixes_compare_parts_not_text() {
        let path = |text: &str| text.parse::<FieldPath>().expect("a path");
        assert!(path("form.name.x").starts_with(&path("form.name")));
        assert!(!path("form.nameOfPet").starts_with(&path("form.name")));
        assert!(!path("list[10].x").starts_with(&path("list[1]")));
        assert!(path("list[10].x").starts_with(&path("list")));
    }
}
