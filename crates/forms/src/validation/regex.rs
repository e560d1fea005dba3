//! Regular expressions as the original reads them: .NET's dialect, first match, whole value.

use std::fmt::Write as _;

/// How many steps one match may take before it counts as no match.
const BACKTRACK_LIMIT: usize = 500_000;

/// A compiled expression.
#[derive(Clone, Debug)]
pub(crate) struct Regex(fancy_regex::Regex);

impl Regex {
    /// None when the expression cannot be compiled.
    pub(crate) fn new(source: &str) -> Option<Self> {
        let translated = from_dotnet(source);
        let compiled = fancy_regex::RegexBuilder::new(&translated).backtrack_limit(BACKTRACK_LIMIT).build();
        compiled.ok().map(Self)
    }

    /// True when the first match found is the whole of `text`, as .NET's annotation demands. A match that takes too
    /// long is none.
    pub(crate) fn matches_whole(&self, text: &str) -> bool {
        match self.0.find(text) {
            Ok(Some(found)) => found.start() == 0 && found.end() == text.len(),
            Ok(None) | Err(_) => false,
        }
    }
}

/// Writes what means something else in this engine: brackets and operators inside character classes, `\Z`, and class
/// subtraction `[a-z-[aeiou]]`.
fn from_dotnet(source: &str) -> String {
    let mut translated = String::with_capacity(source.len() + 8);
    let mut chars = source.chars().peekable();
    let mut class_depth = 0_usize;
    let mut class_is_fresh = false;
    while let Some(c) = chars.next() {
        let was_fresh = std::mem::take(&mut class_is_fresh);
        match c {
            '\\' => match chars.next() {
                Some('Z') if class_depth == 0 => translated.push_str(r"(?=\n?\z)"),
                Some(escaped) => {
                    let _ = write!(translated, "\\{escaped}");
                }
                None => translated.push('\\'),
            },
            '[' if class_depth == 0 => {
                class_depth = 1;
                translated.push('[');
                if chars.peek() == Some(&'^') {
                    chars.next();
                    translated.push('^');
                }
                class_is_fresh = true;
            }
            ']' if class_depth > 0 && was_fresh => translated.push_str(r"\]"),
            ']' if class_depth > 0 => {
                class_depth -= 1;
                translated.push(']');
            }
            '-' if class_depth > 0 && chars.peek() == Some(&'[') => {
                chars.next();
                class_depth += 1;
                translated.push_str("--[");
                if chars.peek() == Some(&'^') {
                    chars.next();
                    translated.push('^');
                }
                class_is_fresh = true;
            }
            '[' | '&' | '~' if class_depth > 0 => {
                let _ = write!(translated, "\\{c}");
            }
            _ => translated.push(c),
        }
    }
    translated
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Regex::new(pattern).expect("a pattern").matches_whole(text)
    }

    #[test]
    fn only_a_first_match_of_the_whole_value_counts() {
        assert!(matches("[0-9]+", "123"));
        assert!(!matches("[0-9]+", "a123"));
        assert!(!matches("[0-9]+", "123a"));
        assert!(!matches("a|ab", "ab"));
        assert!(!matches("^abc$", "abc\n"));
    }

    #[test]
    fn dotnet_classes_are_understood() {
        assert!(matches("[a-z-[aeiou]]+", "xyz"));
        assert!(!matches("[a-z-[aeiou]]+", "xaz"));
        assert!(matches("[][&~]+", "[]&~"));
        assert!(matches(r"\p{L}+(?<!x)", "blåbær"));
        assert!(matches(r"(a)\1", "aa"));
    }

    #[test]
    fn a_pattern_made_to_explode_is_no_match() {
        assert!(!matches(r"(?=a)((a+)+)+\1$", &format!("{}b", "a".repeat(60))));
    }

    #[test]
    fn what_cannot_be_compiled_is_said() {
        assert!(Regex::new("(").is_none());
        assert!(Regex::new(r"\p{IsNoSuchBlock}").is_none());
    }
}
