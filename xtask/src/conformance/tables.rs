//! The conformance tables of the contract: one section per file, of one or several Markdown tables.

use anyhow::{Context as _, bail};

/// The contract files that have conformance tables, and the number of the section that holds them.
pub(super) const FILES: [(&str, &str); 8] = [
    ("app-api", "25"),
    ("app-forms", "11"),
    ("app-process", "10"),
    ("platform-authentication", "8"),
    ("platform-authorization", "10"),
    ("platform-events", "9"),
    ("platform-register-profile", "8"),
    ("platform-storage", "5"),
];

/// The conformance rows of one contract file.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) file: String,
    pub(super) rows: Vec<Row>,
}

/// One row: its id (`12`, `Q17`, `DAT-21`, `D05–D12`) and its line in the file.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) line: String,
}

impl Table {
    /// Reads the rows of section `## {section}.` of a contract file.
    pub(super) fn parse(file: &str, section: &str, text: &str) -> anyhow::Result<Self> {
        let heading = format!("## {section}. ");
        let mut lines = text.lines().skip_while(|line| !line.starts_with(&heading));
        lines.next().with_context(|| format!("no heading `{heading}`"))?;

        let mut table = Self { file: file.to_owned(), rows: Vec::new() };
        let mut lines = lines.take_while(|line| !line.starts_with("## ")).peekable();
        while let Some(line) = lines.next() {
            let is_head = lines.peek().is_some_and(|next| is_ruler(next));
            // An empty line in the middle of a table does not end it: the rows below it are rows all the same.
            if line.starts_with('|') && !is_ruler(line) && !is_head {
                table.add(line)?;
            }
        }
        Ok(table)
    }

    fn add(&mut self, line: &str) -> anyhow::Result<()> {
        let cell = line.trim_start_matches('|').split('|').next().unwrap_or_default();
        // Some ids are followed by a letter that says where the case comes from (`Q17 U`).
        let Some(id) = cell.split_whitespace().next() else { bail!("a row without an id: {line}") };
        if self.rows.iter().any(|row| row.id == id) {
            bail!("two rows with the id {id}");
        }
        self.rows.push(Row { id: id.to_owned(), line: line.to_owned() });
        Ok(())
    }

    /// The row that `id` names: its own id, or one of the ids its range spans; hyphen and dash are the same.
    pub(super) fn row_named(&self, id: &str) -> Option<&Row> {
        let id = id.replace('-', "–");
        self.rows.iter().find(|row| row.id.replace('-', "–") == id || row.members().contains(&id))
    }
}

impl Row {
    /// The ids that a range such as `D05–D12` spans; empty for an ordinary row.
    pub(super) fn members(&self) -> Vec<String> {
        let Some(((prefix, first), (last_prefix, last))) = self
            .id
            .split_once('–')
            .and_then(|(first, last)| Some((letters_and_number(first)?, letters_and_number(last)?)))
        else {
            return Vec::new();
        };
        if prefix != last_prefix {
            return Vec::new();
        }
        (first..=last).map(|number| format!("{prefix}{number:02}")).collect()
    }
}

fn letters_and_number(id: &str) -> Option<(&str, u32)> {
    let (letters, number) = id.split_at(id.find(|c: char| c.is_ascii_digit())?);
    Some((letters, number.parse().ok()?))
}

/// `|---|:--:|`: the line between a Markdown table's head and body.
pub(super) fn is_ruler(line: &str) -> bool {
    line.starts_with('|') && line.contains('-') && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Title\n\n## 4. Other\n\n| id | x |\n|---|---|\n| A1 | no |\n\n## 5. Cases\n\nWords.\n\n\
        ### 5.1 First\n\n| id | x |\n|---|---|\n| Q01 U | a |\n| D05–D07 S | b |\n\n\
        ### 5.2 Second\n\n| # | y |\n|:--|--:|\n| 12 | c |\n| DAT-21 | d \\| e |\n\n| Z07 | f |\n\n## 6. Last\n\n| Z1 | no |\n";

    fn table() -> Table {
        Table::parse("file", "5", TEXT).expect("a well formed file")
    }

    #[test]
    fn rows_of_the_section_are_read_from_all_its_tables() {
        let ids: Vec<_> = table().rows.into_iter().map(|row| row.id).collect();
        assert_eq!(ids, ["Q01", "D05–D07", "12", "DAT-21", "Z07"]);
    }

    #[test]
    fn a_range_is_found_by_itself_and_by_its_members() {
        let table = table();
        for id in ["D05–D07", "D05-D07", "D05", "D06", "D07"] {
            assert_eq!(table.row_named(id).map(|row| row.id.as_str()), Some("D05–D07"), "{id}");
        }
        assert!(table.row_named("D08").is_none());
        assert_eq!(table.row_named("DAT-21").map(|row| row.id.as_str()), Some("DAT-21"));
        assert!(table.row_named("A1").is_none(), "rows of other sections do not count");
    }

    #[test]
    fn two_rows_with_one_id_are_refused() {
        let text = "## 5. Cases\n| id |\n|---|\n| A |\n| A |\n";
        assert!(Table::parse("file", "5", text).is_err());
    }

    #[test]
    fn a_missing_section_is_refused() {
        assert!(Table::parse("file", "7", TEXT).is_err());
    }
}
