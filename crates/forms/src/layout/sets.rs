//! `layout-sets.json`, `Settings.json`, and the sets of pages they describe.
//!
//! Contract: app-forms 5.1, 5.2.

use serde::Deserialize;
use serde_json::Value;

use super::{LayoutProblem, Page};

/// The content of `ui/layout-sets.json` that the server uses.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct LayoutSets {
    #[serde(default)]
    pub sets: Vec<LayoutSetEntry>,
}

/// One entry of `layout-sets.json`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LayoutSetEntry {
    /// The folder below `ui/`.
    pub id: String,
    /// The default data type.
    #[serde(default)]
    pub data_type: Option<String>,
    /// Process elements the set belongs to; absent for subforms and stateless sets.
    #[serde(default)]
    pub tasks: Option<Vec<String>>,
}

impl LayoutSets {
    /// Parse `layout-sets.json`. Ids must be unique.
    pub fn parse(json: &Value) -> Result<Self, LayoutProblem> {
        const FILE: &str = "layout-sets.json";
        let sets = Self::deserialize(json).map_err(|error| LayoutProblem::new(FILE, "", error.to_string()))?;
        for (position, entry) in sets.sets.iter().enumerate() {
            if sets.sets[..position].iter().any(|earlier| earlier.id == entry.id) {
                let message = format!("layout set {} is listed twice", entry.id);
                return Err(LayoutProblem::new(FILE, format!("/sets/{position}/id"), message));
            }
        }
        Ok(sets)
    }

    /// The set of a task: the first that lists it.
    pub fn for_task(&self, task: &str) -> Option<&LayoutSetEntry> {
        self.sets.iter().find(|entry| entry.tasks.as_ref().is_some_and(|tasks| tasks.iter().any(|id| id == task)))
    }
}

/// The order of the pages that `Settings.json` of the set `set` gives: `order`, or all groups one after another.
pub fn page_order(set: &str, settings: &Value) -> Result<Vec<String>, LayoutProblem> {
    let file = format!("{set}/Settings.json");
    let problem = |pointer: &str, message: &str| LayoutProblem::new(&file, pointer, message);
    let pages = settings.get("pages").and_then(Value::as_object).ok_or_else(|| problem("/pages", "is missing"))?;
    let present = |name: &str| pages.get(name).filter(|value| !value.is_null());
    match (present("order"), present("groups")) {
        (Some(_), Some(_)) => Err(problem("/pages", "has both order and groups")),
        (None, None) => Err(problem("/pages", "has neither order nor groups")),
        (Some(order), None) => names_in(order).ok_or_else(|| problem("/pages/order", "must be a list of page names")),
        (None, Some(groups)) => {
            let groups = groups.as_array().ok_or_else(|| problem("/pages/groups", "must be a list"))?;
            let orders = groups.iter().map(|group| group.get("order").and_then(names_in));
            let pages: Option<Vec<Vec<String>>> = orders.collect();
            pages
                .map(|pages| pages.concat())
                .ok_or_else(|| problem("/pages/groups", "every group must have an order of page names"))
        }
    }
}

fn names_in(list: &Value) -> Option<Vec<String>> {
    list.as_array()?.iter().map(|name| name.as_str().map(ToOwned::to_owned)).collect()
}

/// The pages of one layout set in order.
#[derive(Debug, Clone, PartialEq)]
pub struct LayoutSet {
    pub id: String,
    /// The default data type of bindings in the set.
    pub data_type: String,
    pub pages: Vec<Page>,
}

/// All layout sets of an application; subforms reach from one into another.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layouts {
    pub sets: Vec<LayoutSet>,
}

impl Layouts {
    /// The set with this id.
    pub fn set(&self, id: &str) -> Option<&LayoutSet> {
        self.sets.iter().find(|set| set.id == id)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pages_come_from_the_order_or_from_the_groups_but_not_from_both() {
        let _rows = mottak_testing::covers("app-forms", &["69"]);
        let order = |settings| page_order("form", &settings);
        assert_eq!(order(json!({"pages": {"order": ["a", "b"]}})), Ok(vec!["a".to_owned(), "b".to_owned()]));
        let groups = json!({"pages": {"groups": [{"order": ["a"]}, {"name": "n", "order": ["c", "b"]}]}});
        assert_eq!(order(groups), Ok(vec!["a".to_owned(), "c".to_owned(), "b".to_owned()]));
        assert!(order(json!({"pages": {"order": ["a"], "groups": [{"order": ["b"]}]}})).is_err());
        assert!(order(json!({"pages": {}})).is_err());
        assert!(order(json!([])).is_err());
    }

    #[test]
    fn the_first_set_that_lists_a_task_is_the_tasks_set() {
        let sets =
            json!({"sets": [{"id": "sub", "dataType": "s"}, {"id": "a", "tasks": ["T"]}, {"id": "b", "tasks": ["T"]}]});
        let sets = LayoutSets::parse(&sets).expect("sets");
        assert_eq!(sets.for_task("T").map(|entry| entry.id.as_str()), Some("a"));
        assert!(sets.for_task("U").is_none());
        assert!(LayoutSets::parse(&json!({"sets": [{"id": "a"}, {"id": "a"}]})).is_err());
    }
}
