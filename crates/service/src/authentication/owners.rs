//! Which organisation owns applications under which code.

use std::collections::HashMap;

use serde_json::Value;

/// The codes of application owners (`ttd`) by organisation number.
#[derive(Clone, Debug, Default)]
pub struct OwnerCodes(HashMap<String, String>);

impl OwnerCodes {
    /// From pairs of code and organisation number.
    pub fn new<'a>(owners: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(owners.into_iter().map(|(code, number)| (number.to_owned(), code.to_lowercase())).collect())
    }

    /// From the published list, `{"orgs": {"ttd": {"orgnr": "405003309", …}, …}}`. Owners without a number are left
    /// out; `None` when it is no such list.
    pub fn from_list(list: &Value) -> Option<Self> {
        let owners = list.get("orgs")?.as_object()?;
        let number = |owner: &'_ Value| owner.get("orgnr").and_then(Value::as_str).map(str::to_owned);
        let owners = owners.iter().filter_map(|(code, owner)| Some((number(owner)?, code.to_lowercase())));
        Some(Self(owners.filter(|(number, _)| !number.is_empty()).collect()))
    }

    /// The code of the organisation with this number.
    pub fn code_of(&self, number: &str) -> Option<&str> {
        self.0.get(number).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_published_list_is_read_as_far_as_it_is_usable() {
        let list = json!({"orgs": {"TTD": {"orgnr": "405003309"}, "a": {"orgnr": ""}, "b": {}, "c": 1}});
        let owners = OwnerCodes::from_list(&list).expect("a list");
        assert_eq!((owners.code_of("405003309"), owners.code_of(""), owners.0.len()), (Some("ttd"), None, 1));
        assert!(OwnerCodes::from_list(&json!({"orgs": []})).is_none());
    }
}
