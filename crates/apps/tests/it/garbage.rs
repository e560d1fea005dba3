//! Whatever a file contains, loading ends with problems, not with a panic.

use std::sync::LazyLock;

use mottak_apps::App;
use proptest::prelude::*;

use crate::folder::{Folder, paths};

static PATHS: LazyLock<Vec<&str>> = LazyLock::new(|| paths().collect());

/// Text that is close to what the files contain, and bytes that are not.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let words = prop::collection::vec(
        prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ":",
            ",",
            "\"id\"",
            "\"data\"",
            "\"layout\"",
            "\"sets\"",
            "\"dataTypes\"",
            "\"type\"",
            "\"resources\"",
            "\"pages\"",
            "\"order\"",
            "null",
            "1",
            "-0.0",
            "1e999",
            "true",
            "\"\"",
            "\"ø\"",
            "//",
            "/*",
            "*/",
            "<a",
            "/>",
            "<bpmn:process",
            "\u{feff}",
            "\n",
            " ",
            "\"",
            "\\u0000",
            "~",
            "/",
        ]),
        0..40,
    );
    prop_oneof![words.prop_map(|words| words.concat().into_bytes()), prop::collection::vec(any::<u8>(), 0..200)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn garbage_in_any_file_is_told(at in 0..PATHS.len(), content in content()) {
        let folder = Folder::sound();
        folder.write(PATHS[at], content);
        let loaded = App::load(folder.path());
        prop_assert!(loaded.app.is_some() || loaded.problems.iter().any(mottak_apps::Problem::is_error));
    }

    #[test]
    fn damaged_file_is_told(at in 0..PATHS.len(), cut in 0.0..1.0_f64, put in prop::collection::vec(any::<u8>(), 0..4)) {
        let folder = Folder::sound();
        let mut bytes = std::fs::read(folder.file(PATHS[at])).expect("the file is there");
        let from = (bytes.len() as f64 * cut) as usize;
        bytes.splice(from..(from + 1).min(bytes.len()), put);
        folder.write(PATHS[at], bytes);
        let loaded = App::load(folder.path());
        prop_assert!(loaded.app.is_some() || loaded.problems.iter().any(mottak_apps::Problem::is_error));
    }
}

#[test]
fn deep_nesting_is_refused() {
    for path in PATHS.iter().filter(|path| path.ends_with(".json")) {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let folder = Folder::sound();
            folder.write(path, format!("{}1{}", open.repeat(100_000), close.repeat(100_000)));
            assert!(App::load(folder.path()).app.is_none(), "{path}");
        }
    }
}
