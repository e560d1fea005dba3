//! The rows that `docs/conformance.md` excuses: a Markdown table `| File | Rows | Reason |`.

use super::tables::is_ruler;
use anyhow::bail;

/// One row of one contract file that is not covered, for a reason.
#[derive(Debug, PartialEq)]
pub(super) struct Excuse {
    pub(super) file: String,
    pub(super) row: String,
}

/// Reads the tables whose head is `| File | Rows | Reason |`. Rows are ids separated by commas.
pub(super) fn parse(text: &str) -> anyhow::Result<Vec<Excuse>> {
    let mut excuses = Vec::new();
    let mut in_table = false;
    for line in text.lines() {
        let Some(cells) = cells(line) else {
            in_table = false;
            continue;
        };
        match cells.as_slice() {
            ["File", "Rows", "Reason"] => in_table = true,
            _ if !in_table || is_ruler(line) => {}
            [_, _, ""] => bail!("an excuse without a reason: {line}"),
            [file, rows, _] => excuses
                .extend(rows.split(',').map(|row| Excuse { file: (*file).to_owned(), row: row.trim().to_owned() })),
            _ => bail!("not three cells: {line}"),
        }
    }
    Ok(excuses)
}

/// The cells of a line of a table; none of another line.
pub(super) fn cells(line: &str) -> Option<Vec<&str>> {
    let line = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(line.split('|').map(str::trim).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_id_is_an_excuse() {
        let text = "| Column | Meaning |\n|---|---|\n| File | a file |\n\n\
                    | File | Rows | Reason |\n|---|---|---|\n| app-api | DAT-21, PRC-02 | because |\n";
        let excuse = |row: &str| Excuse { file: "app-api".into(), row: row.into() };
        assert_eq!(parse(text).expect("a well formed page"), [excuse("DAT-21"), excuse("PRC-02")]);
    }

    #[test]
    fn an_excuse_needs_a_reason() {
        assert!(parse("| File | Rows | Reason |\n|---|---|---|\n| app-api | DAT-21 | |\n").is_err());
    }
}
