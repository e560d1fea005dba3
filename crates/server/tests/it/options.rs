//! Options: of the command line, of the environment, of the file; and what is said of wrong ones.

use std::fs;
use std::net::TcpListener;

use crate::running::{Running, example, mottak, run, said};

#[tokio::test]
async fn options_come_from_the_environment_too() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("of-the-environment");
    for command in ["dev", "serve"] {
        let mut started = mottak();
        started.arg(command).env("MOTTAK_LISTEN", "127.0.0.1:0").env("MOTTAK_DATA", &data);
        started.env(
            "MOTTAK_APPS",
            format!("{},{}", example().display(), example().with_file_name("skjenkebevilling").display()),
        );
        let server = Running::start(started, tempfile::tempdir().expect("a temporary folder"));
        for app in ["kulturstotte", "skjenkebevilling"] {
            assert_eq!(server.status(&format!("/ttd/{app}/api/v1/applicationmetadata")).await, 200, "{command} {app}");
        }
        assert!(data.is_dir(), "{command}");
    }
}

#[tokio::test]
async fn the_file_is_read_with_paths_relative_to_it_and_the_command_line_counts_over_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let link = folder.path().join("app");
    std::os::unix::fs::symlink(example(), link).expect("a link");
    let file = folder.path().join("mottak.toml");
    let text =
        "apps = ['app']\nlisten = '127.0.0.1:1'\ndata = 'kept-here'\nplatform-url = 'https://platform.example.no'\n";
    fs::write(&file, text).expect("a writable folder");
    let data = folder.path().join("kept-here");
    let mut command = mottak();
    command.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(&file);
    let server = Running::start(command, folder);
    assert_eq!(server.status("/ttd/kulturstotte/api/v1/applicationmetadata").await, 200);
    assert!(data.is_dir());
}

#[test]
fn a_wrong_configuration_is_named_and_nothing_is_served() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("mottak.toml");
    for (text, named) in [
        ("lisen = '127.0.0.1:0'\n", "lisen"),
        ("listen = 'somewhere'\n", "listen"),
        ("apps = 'one'\n", "apps"),
        ("[[issuers]]\nissuer = 'https://a.example'\njwks = 'absent.json'\n", "absent.json"),
        ("[[issuers]]\nissuer = 'https://a.example'\nkey = 'x'\n", "key"),
        ("= nothing\n", "mottak.toml"),
    ] {
        fs::write(&file, text).expect("a writable folder");
        let output = run(mottak().args(["serve", "--data"]).arg(folder.path().join("data")).arg("--config").arg(&file));
        assert_eq!(output.status.code(), Some(1), "{text}");
        let said = said(&output.stderr);
        assert!(said.contains(named), "{named} is not in: {said}");
        assert!(output.stdout.is_empty(), "{text}");
    }
    let output = run(mottak().args(["serve", "--config", "no/such/file.toml"]));
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output.stderr).contains("no/such/file.toml"), "{}", said(&output.stderr));
}

#[test]
fn wrong_arguments_end_with_2_and_say_which() {
    let bad: [(&[&str], &str); 7] = [
        (&[], "Usage"),
        (&["develop"], "develop"),
        (&["dev", "--listen", "nowhere"], "--listen"),
        (&["dev", "--nonsense"], "--nonsense"),
        (&["serve", "--issuer", "https://a.example"], "--jwks"),
        (&["check"], "<APPS>"),
        (&["policy", "decide", "--policy", "x"], "--request"),
    ];
    for (arguments, named) in bad {
        let output = run(mottak().args(arguments));
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(said(&output.stderr).contains(named), "{arguments:?}: {}", said(&output.stderr));
    }
    for arguments in [["--help"], ["--version"]] {
        assert!(run(mottak().args(arguments)).status.success());
    }
}

#[test]
fn an_address_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = run(mottak().args(["dev", "--listen", &address, "--data"]).arg(folder.path()).arg(example()));
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output.stderr).contains(&address), "{}", said(&output.stderr));
}
