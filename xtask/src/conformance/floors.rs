//! What may not be lost again: a Markdown table `| File | At least |` in `docs/conformance.md`.

use super::excuses::cells;
use super::tables::is_ruler;
use anyhow::{Context as _, bail};

/// How many rows of a contract file have to be covered or excused.
#[derive(Debug, PartialEq)]
pub(super) struct Floor {
    pub(super) file: String,
    pub(super) rows: usize,
}

/// Reads the tables whose head is `| File | At least |`.
pub(super) fn parse(text: &str) -> anyhow::Result<Vec<Floor>> {
    let mut floors = Vec::new();
    let mut in_table = false;
    for line in text.lines() {
        let Some(cells) = cells(line) else {
            in_table = false;
            continue;
        };
        match cells.as_slice() {
            ["File", "At least"] => in_table = true,
            _ if !in_table || is_ruler(line) => {}
            [file, rows] => {
                let rows = rows.parse().with_context(|| format!("not a number of rows: {line}"))?;
                floors.push(Floor { file: (*file).to_owned(), rows });
            }
            _ => bail!("not two cells: {line}"),
        }
    }
    Ok(floors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_of_the_table_is_a_floor() {
        let text = "| File | At least |\n|---|--:|\n| app-api | 12 |\n\n| File | Rows | Reason |\n|---|---|---|\n";
        assert_eq!(parse(text).expect("a well formed page"), [Floor { file: "app-api".into(), rows: 12 }]);
        assert!(parse("| File | At least |\n|---|--:|\n| app-api | many |\n").is_err());
    }
}
