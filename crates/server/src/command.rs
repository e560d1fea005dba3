//! The command line. `--help` is its reference; scripts depend on it.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use mottak_model::AppId;
use mottak_web::local::GeneratorLogin;

use crate::place::StoreOptions;

/// The Altinn 3 application platform in one binary.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
pub(crate) struct Mottak {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve apps on this machine for development: test persons, logins without passwords, reload on save.
    Dev(DevOptions),
    /// Serve apps for others.
    Serve(ServeOptions),
    /// Say everything that is wrong with app folders; exit 1 if any could not be served.
    Check {
        /// App folders: a repository, or its `App` folder.
        #[arg(required = true)]
        apps: Vec<PathBuf>,
    },
    /// Archive everything the store holds, while the server goes on. The archive is read again to see that it is whole.
    Backup {
        #[command(flatten)]
        store: StoreArguments,
        /// The folder to make.
        #[arg(long)]
        to: PathBuf,
    },
    /// Make a new store of an archive, after all of the archive has been verified.
    Restore {
        /// The archive.
        #[arg(long)]
        from: PathBuf,
        /// Only verify the archive.
        #[arg(long)]
        check: bool,
        #[command(flatten)]
        store: StoreArguments,
    },
    /// Write all instances of an app as lines of JSON, with their files beside them. Run again, it goes on where it was
    /// stopped, and picks up what has changed since it ended.
    Export {
        #[command(flatten)]
        store: StoreArguments,
        /// The app: org/name.
        #[arg(long)]
        app: AppId,
        /// The folder to write to.
        #[arg(long)]
        to: PathBuf,
        /// Leave out instances that were deleted for good but not yet removed.
        #[arg(long)]
        without_deleted: bool,
        /// Public address of the platform API, for links. Default `https://platform.altinn.no`.
        #[arg(long, env = "MOTTAK_PLATFORM_URL")]
        platform_url: Option<String>,
    },
    /// Work with policies.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Work with expressions.
    #[command(subcommand)]
    Expression(ExpressionCommand),
    /// Fill a store with generated instances, for measurements.
    #[command(hide = true)]
    Fill {
        #[arg(long)]
        data: PathBuf,
        #[arg(long)]
        instances: u64,
        #[arg(long)]
        app: AppId,
        #[command(flatten)]
        store: StoreOptions,
    },
    /// Measure the bare store, without HTTP and rules.
    #[command(hide = true)]
    BenchStore {
        #[arg(long)]
        data: PathBuf,
        #[command(flatten)]
        store: StoreOptions,
        /// Seconds per operation.
        #[arg(long, default_value_t = 3.0)]
        seconds: f64,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Decide a request (XML, or JSON in the platform's profile) by a policy and print the decision as JSON.
    Decide {
        #[arg(long)]
        policy: PathBuf,
        #[arg(long)]
        request: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ExpressionCommand {
    /// Run expression test files; exit 1 if a case fails.
    Test {
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

/// Which store, for commands that work beside the server.
#[derive(Debug, Args)]
pub(crate) struct StoreArguments {
    /// TOML file with the options of the server.
    #[arg(long, env = "MOTTAK_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Folder for the database and files. Default `mottak-data`.
    #[arg(long, env = "MOTTAK_DATA")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) store: StoreOptions,
}

#[derive(Debug, Args)]
pub(crate) struct DevOptions {
    /// App folders: a repository, or its `App` folder. None: the example apps.
    #[arg(env = "MOTTAK_APPS", value_delimiter = ',')]
    pub(crate) apps: Vec<PathBuf>,
    /// Address to listen on; port 0 picks a free one.
    #[arg(long, env = "MOTTAK_LISTEN", default_value = "127.0.0.1:8000")]
    pub(crate) listen: SocketAddr,
    /// Folder for the database, files and the signing key.
    #[arg(long, env = "MOTTAK_DATA", default_value = ".mottak")]
    pub(crate) data: PathBuf,
    /// Folder of test persons, organisations and roles, in place of the built-in ones.
    #[arg(long, env = "MOTTAK_TESTDATA")]
    pub(crate) testdata: Option<PathBuf>,
    /// Name and password, with a colon between, that the test token generator (`/api/Get…Token`) asks for.
    #[arg(long, env = "MOTTAK_GENERATOR_LOGIN", hide_env_values = true, default_value = GeneratorLogin::DEFAULT)]
    pub(crate) generator_login: GeneratorLogin,
    #[command(flatten)]
    pub(crate) store: StoreOptions,
}

#[derive(Debug, Default, Args)]
pub(crate) struct ServeOptions {
    /// App folders: a repository, or its `App` folder.
    #[arg(env = "MOTTAK_APPS", value_delimiter = ',')]
    pub(crate) apps: Vec<PathBuf>,
    /// TOML file with any of the other options.
    #[arg(long, env = "MOTTAK_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Address to listen on; port 0 picks a free one. Default 127.0.0.1:8000.
    #[arg(long, env = "MOTTAK_LISTEN")]
    pub(crate) listen: Option<SocketAddr>,
    /// Folder for the database and files. Default `mottak-data`.
    #[arg(long, env = "MOTTAK_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// Public address of the platform API. Default `https://platform.altinn.no`.
    #[arg(long, env = "MOTTAK_PLATFORM_URL")]
    pub(crate) platform_url: Option<String>,
    /// Issuer whose tokens are accepted, exactly as in their `iss`.
    #[arg(long, env = "MOTTAK_ISSUER", requires = "jwks")]
    pub(crate) issuer: Option<String>,
    /// File with the public keys (JWKS) of that issuer.
    #[arg(long, env = "MOTTAK_JWKS", requires = "issuer")]
    pub(crate) jwks: Option<PathBuf>,
    /// Folder with the register of parties, users and roles.
    #[arg(long, env = "MOTTAK_REGISTER")]
    pub(crate) register: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) store: StoreOptions,
}
