//! Names in schemas and the names the original makes of them (app-forms §1.2, §1.4).

/// The class name in a class reference: `A.B.Skjema` → `Skjema`, `A.Outer+Inner` → `Inner`.
pub(crate) fn last_segment(class_ref: &str) -> &str {
    class_ref.rsplit(['.', '+']).next().unwrap_or(class_ref)
}

/// The property that the generator makes of a name: without `-`.
pub(crate) fn property_name(name: &str) -> String {
    name.replace('-', "")
}

/// The JSON name of a property without a name of its own: leading capitals lowered, as .NET's camel case does.
pub(crate) fn camel_case(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut cased = String::with_capacity(name.len());
    let mut lowering = true;
    for (at, &c) in chars.iter().enumerate() {
        if lowering && (!c.is_uppercase() || (at > 0 && chars.get(at + 1).is_some_and(|next| !next.is_uppercase()))) {
            lowering = false;
        }
        if lowering {
            cased.extend(c.to_lowercase());
        } else {
            cased.push(c);
        }
    }
    cased
}

/// True when two names are the same but for `-` and casing.
pub(crate) fn same_property(a: &str, b: &str) -> bool {
    property_name(a).to_lowercase() == property_name(b).to_lowercase()
}

/// True for a name that an XML element or attribute can have, without prefix.
pub(crate) fn is_xml_name(name: &str) -> bool {
    let starts = |c: char| c.is_alphabetic() || c == '_';
    let continues = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    name.chars().next().is_some_and(starts) && name.chars().all(continues)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cased_as_the_original_does() {
        for (name, cased) in [("orid", "orid"), ("Orid", "orid"), ("URLValue", "urlValue"), ("ID", "id"), ("aB", "aB")]
        {
            assert_eq!(camel_case(name), cased);
        }
        assert!(same_property("a-b", "AB"));
        assert_eq!(last_segment("A.B+C"), "C");
    }
}
