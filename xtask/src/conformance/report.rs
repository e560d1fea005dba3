//! Tables, claims and excuses compared: how much is covered, what is missing, and what is said wrongly.

use super::claims::Claim;
use super::excuses::Excuse;
use super::floors::Floor;
use super::tables::{Row, Table};
use anyhow::{Context as _, bail};
use std::collections::BTreeSet;

/// The state of every conformance row.
#[derive(Debug)]
pub(super) struct Report {
    files: Vec<FileReport>,
    errors: Vec<String>,
}

#[derive(Debug)]
struct FileReport {
    table: Table,
    covered: BTreeSet<String>,
    excused: BTreeSet<String>,
}

impl FileReport {
    /// Rows that are not missing.
    fn settled(&self) -> usize {
        self.table.rows.len() - self.missing().count()
    }

    fn missing(&self) -> impl Iterator<Item = &Row> {
        self.table.rows.iter().filter(|row| !self.covered.contains(&row.id) && !self.excused.contains(&row.id))
    }
}

impl Report {
    pub(super) fn new(tables: Vec<Table>, claims: &BTreeSet<Claim>, excuses: &[Excuse], floors: &[Floor]) -> Self {
        let mut errors = Vec::new();
        for claim in claims {
            if !exists(&tables, &claim.file, &claim.row) {
                errors.push(format!("{} claims {} {}, which does not exist", claim.test, claim.file, claim.row));
            }
        }
        for Excuse { file, row } in excuses {
            if !exists(&tables, file, row) {
                errors.push(format!("docs/conformance.md excuses {file} {row}, which does not exist"));
            }
        }

        let mut files = Vec::new();
        for table in tables {
            let claimed: BTreeSet<String> =
                claims.iter().filter(|claim| claim.file == table.file).map(|claim| dashed(&claim.row)).collect();
            let is_covered = |row: &Row| {
                let members = row.members();
                claimed.contains(&dashed(&row.id))
                    || (!members.is_empty() && members.iter().all(|member| claimed.contains(member)))
            };
            let covered: BTreeSet<_> =
                table.rows.iter().filter(|row| is_covered(row)).map(|row| row.id.clone()).collect();
            let excused: BTreeSet<_> = excuses
                .iter()
                .filter(|excuse| excuse.file == table.file)
                .filter_map(|excuse| table.row_named(&excuse.row))
                .map(|row| row.id.clone())
                .collect();
            for row in covered.intersection(&excused) {
                errors.push(format!("docs/conformance.md excuses {} {row}, which a test covers", table.file));
            }
            files.push(FileReport { table, covered, excused });
        }
        for Floor { file, rows } in floors {
            match files.iter().find(|known| known.table.file == *file) {
                Some(known) if known.settled() < *rows => errors.push(format!(
                    "{file}: {} rows are covered or excused, {rows} were before (docs/conformance.md)",
                    known.settled()
                )),
                Some(_) => {}
                None => errors.push(format!("docs/conformance.md wants rows of {file}, which does not exist")),
            }
        }
        Self { files, errors }
    }

    pub(super) fn print_totals(&self) {
        println!("\n{:<28}{:>6}{:>9}{:>9}{:>9}", "conformance", "rows", "covered", "excused", "missing");
        let mut totals = [0; 4];
        for file in &self.files {
            let counts = [file.table.rows.len(), file.covered.len(), file.excused.len(), file.missing().count()];
            print_counts(&file.table.file, counts);
            totals.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
        }
        print_counts("all", totals);
    }

    pub(super) fn print_missing_ids(&self) {
        for file in &self.files {
            let ids: Vec<_> = file.missing().map(|row| row.id.as_str()).collect();
            if ids.is_empty() {
                continue;
            }
            println!("\nmissing in {}", file.table.file);
            for line in wrap(&ids) {
                println!("  {line}");
            }
        }
    }

    /// Prints the lines of one file's missing rows, as they stand in the contract.
    pub(super) fn print_missing_rows(&self, name: &str) -> anyhow::Result<()> {
        let name = name.strip_suffix(".md").unwrap_or(name);
        let file = self
            .files
            .iter()
            .find(|file| file.table.file == name)
            .with_context(|| format!("{name} is not a contract file with conformance tables"))?;
        for row in file.missing() {
            println!("{}", row.line);
        }
        Ok(())
    }

    /// Fails, naming every wrong claim and excuse and every file that fell back, when there are any.
    pub(super) fn require_sound(&self) -> anyhow::Result<()> {
        if !self.errors.is_empty() {
            bail!(
                "{} things are wrong with the conformance of this tree:\n  {}",
                self.errors.len(),
                self.errors.join("\n  ")
            );
        }
        Ok(())
    }
}

fn exists(tables: &[Table], file: &str, row: &str) -> bool {
    tables.iter().any(|table| table.file == file && table.row_named(row).is_some())
}

fn dashed(id: &str) -> String {
    id.replace('-', "–")
}

fn print_counts(name: &str, [rows, covered, excused, missing]: [usize; 4]) {
    println!("{name:<28}{rows:>6}{covered:>9}{excused:>9}{missing:>9}");
}

/// Lines of at most about 110 characters.
fn wrap(ids: &[&str]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for id in ids {
        match lines.last_mut() {
            Some(line) if line.len() + id.len() < 110 => {
                line.push(' ');
                line.push_str(id);
            }
            _ => lines.push((*id).to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report_above(floor: usize, claimed: &[&str], excused: &[&str]) -> Report {
        let text = "## 5. Cases\n| id | x |\n|---|---|\n| A01 | a |\n| A-2 | b |\n| D05–D06 | c |\n";
        let table = Table::parse("file", "5", text).expect("a well formed table");
        let claims = claimed
            .iter()
            .map(|row| Claim { file: "file".into(), row: (*row).to_owned(), test: "a::b".into() })
            .collect();
        let excuses: Vec<_> =
            excused.iter().map(|row| Excuse { file: "file".into(), row: (*row).to_owned() }).collect();
        let floors = [Floor { file: "file".into(), rows: floor }];
        Report::new(vec![table], &claims, &excuses, &floors)
    }

    fn report(claimed: &[&str], excused: &[&str]) -> Report {
        report_above(0, claimed, excused)
    }

    fn missing(report: &Report) -> Vec<&str> {
        report.files[0].missing().map(|row| row.id.as_str()).collect()
    }

    #[test]
    fn what_is_neither_covered_nor_excused_is_missing() {
        let report = report(&["A01"], &["A-2"]);
        assert_eq!(missing(&report), ["D05–D06"]);
        assert!(report.require_sound().is_ok());
    }

    #[test]
    fn a_range_is_covered_when_all_of_it_is() {
        assert!(missing(&report(&["D05"], &[])).contains(&"D05–D06"));
        assert!(!missing(&report(&["D05", "D06"], &[])).contains(&"D05–D06"));
        assert!(!missing(&report(&["D05-D06"], &[])).contains(&"D05–D06"));
    }

    #[test]
    fn fewer_rows_than_before_are_an_error() {
        assert!(report_above(2, &["A01"], &["A-2"]).require_sound().is_ok());
        assert!(report_above(2, &["A01"], &[]).require_sound().is_err());
    }

    #[test]
    fn unknown_rows_and_needless_excuses_are_errors() {
        assert!(report(&["A99"], &[]).require_sound().is_err());
        assert!(report(&[], &["A99"]).require_sound().is_err());
        assert!(report(&["A01"], &["A01"]).require_sound().is_err());
    }
}
