//! Every setting as a command-line flag, from the one table of settings.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Args, Command, Error, FromArgMatches, value_parser};

use super::layers::Inputs;
use super::settings::SETTINGS;

/// `--config FILE` and one flag per setting; `#[command(flatten)]` puts them into a command line.
///
/// They work before and after a subcommand, and are listed by `--help` but not by `-h`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// The file named by `--config`.
    pub config: Option<PathBuf>,
    /// Name as in the file, and value.
    pub settings: Vec<(String, String)>,
}

impl Flags {
    /// These flags over this process's environment.
    pub fn inputs(&self) -> Inputs {
        Inputs::of_process(self.config.clone(), self.settings.clone())
    }
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        let file =
            Arg::new("config").long("config").value_name("FILE").global(true).value_parser(value_parser!(PathBuf));
        let command = command.arg(file.help("Configuration file [default: ./earwitness.toml, if it is there]"));
        SETTINGS.iter().fold(command, |command, spec| {
            let arg = Arg::new(spec.name).long(spec.flag()).value_name("VALUE").global(true).hide_short_help(true);
            let default = if spec.default.is_empty() { String::new() } else { format!(" [default: {}]", spec.default) };
            command.arg(arg.help(format!("{}{default}", spec.about)).help_heading("Settings"))
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let settings = SETTINGS
            .iter()
            .filter_map(|spec| matches.get_one::<String>(spec.name).map(|value| (spec.name.to_owned(), value.clone())));
        Ok(Self { config: matches.get_one::<PathBuf>("config").cloned(), settings: settings.collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
