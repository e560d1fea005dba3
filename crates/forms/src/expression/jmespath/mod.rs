//! JMESPath: queries over lists and objects, with the standard grammar and functions.
//!
//! [`parse`] makes a [`parse::Node`] of the query text, [`search`] runs it, [`functions`] are the built-in ones. Members
//! of objects keep their order. Contract: app-forms 4.3, function `jmespath`.

mod functions;
mod lexer;
mod parse;
mod search;

use serde_json::Value;

use super::ExpressionError;
use super::evaluate::Arguments;

pub(super) fn call(arguments: &Arguments<'_>) -> Result<Value, ExpressionError> {
    let [data, query] = arguments.exactly()?;
    let Value::String(query) = query else {
        return Err(ExpressionError::new("Expected argument to be string"));
    };
    run(data, query).map_err(|problem| ExpressionError::new(format!("Jmespath error: \"{problem}\"")))
}

/// The result of a query, or what is wrong with it.
fn run(data: &Value, query: &str) -> Result<Value, String> {
    let node = parse::parse(&lexer::tokens(query)?)?;
    search::search(&node, data)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn queries_of_every_kind() {
        let data = json!({
            "people": [
                {"name": "Ola", "age": 30, "tags": ["a", "b"]},
                {"name": "Kari", "age": 18, "tags": ["c"]},
                {"name": "Knut", "age": 16, "tags": []},
            ],
            "sums": {"b": 2, "a": 1},
            "text": "æøå",
            "none": null,
            "odd name": [0, 1, 2, 3, 4],
        });
        for (query, expected) in [
            ("people[0].name", json!("Ola")),
            ("people[-1].name", json!("Knut")),
            ("people[5]", json!(null)),
            ("people[*].age", json!([30, 18, 16])),
            ("people[].tags[]", json!(["a", "b", "c"])),
            ("people[?age > `17` && name != 'Ola'].name | [0]", json!("Kari")),
            ("people[?!(age < `18`)].name", json!(["Ola", "Kari"])),
            ("sums.*", json!([2, 1])),
            ("\"odd name\"[1:4:2]", json!([1, 3])),
            ("\"odd name\"[::-1]", json!([4, 3, 2, 1, 0])),
            ("people[].{n: name} | [1]", json!({"n": "Kari"})),
            ("people[0].[name, age]", json!(["Ola", 30])),
            ("none || text", json!("æøå")),
            ("text && none", json!(null)),
            ("sum(people[].age)", json!(64.0)),
            ("avg(`[]`)", json!(null)),
            ("length(text)", json!(3)),
            ("sort_by(people, &age)[].name", json!(["Knut", "Kari", "Ola"])),
            ("max_by(people, &age).name", json!("Ola")),
            ("min_by(people, &age).name", json!("Knut")),
            ("map(&name, people)", json!(["Ola", "Kari", "Knut"])),
            ("join(', ', people[].name)", json!("Ola, Kari, Knut")),
            ("keys(sums)", json!(["b", "a"])),
            ("values(sums)", json!([2, 1])),
            ("merge(sums, `{\"a\": 9}`)", json!({"b": 2, "a": 9})),
            ("not_null(none, text)", json!("æøå")),
            ("reverse('abc')", json!("cba")),
            ("sort(people[].age)", json!([16, 18, 30])),
            ("to_array(text)", json!(["æøå"])),
            ("to_number('1.5')", json!(1.5)),
            ("to_number('x')", json!(null)),
            ("to_string(sums)", json!("{\"b\":2,\"a\":1}")),
            ("type(people)", json!("array")),
            ("contains(text, 'ø')", json!(true)),
            ("starts_with(text, 'æ') && ends_with(text, 'å')", json!(true)),
            ("[ceil(`1.2`), floor(`1.8`), abs(`-2`)]", json!([2.0, 1.0, 2.0])),
            ("people[?contains(tags, 'c')] | length(@)", json!(1)),
            ("max(people[].name)", json!("Ola")),
            ("`\"a\\`b\"`", json!("a`b")),
            ("'it\\'s'", json!("it's")),
        ] {
            assert_eq!(run(&data, query), Ok(expected), "{query}");
        }
    }

    #[test]
    fn broken_queries_are_refused() {
        let deep = "[".repeat(3000);
        let long = "a.".repeat(3000) + "a";
        for query in [
            "",
            "#",
            "a.",
            "a[",
            "a[0",
            "foo(",
            "unknown(@)",
            "length(@, @)",
            "abs('a')",
            "[::0]",
            "'a",
            "`x`",
            "a b",
            "&a",
            "{a}",
            &deep,
            &long,
        ] {
            assert!(run(&json!([1]), query).is_err(), "{query}");
        }
    }
}
