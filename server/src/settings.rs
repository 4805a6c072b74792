//! Settings: flag before environment before file before default; every mistake is told in one run.

mod keys;
mod map_tiles;
mod person_keys;
mod reader_limits;
mod values;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command};
use ingest::identity::Identity;
use publisher::{Face, MapTiles, ReaderLimits};
use schemas::policy::Schedule;
use schemas::{ItemId, entry::Rules};

use self::keys::KEYS;

/// Where the value of a setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// The settings file.
    File(PathBuf),
    /// An environment variable.
    Environment,
    /// A flag.
    Flag,
}

/// A mistake in the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// The file can not be read as TOML.
    #[error("{path}: {why}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The file has a key that is no setting.
    #[error("{path}: no setting is called {key:?}{hint}")]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// The nearest setting, as a sentence.
        hint: String,
    },
    /// A value does not fit its setting.
    #[error("{name} = {value:?} ({origin}): {why}")]
    Value {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: String,
        /// Where it came from, in words.
        origin: String,
        /// What is wrong, and what fits.
        why: String,
    },
    /// A key of person fingerprints is missing or wrong. Its value is not told.
    #[error("{name}: {why}")]
    PersonKey {
        /// The setting.
        name: &'static str,
        /// What is wrong, and what to run.
        why: String,
    },
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Takes messages, folds and serves; `all` and `core` differ in name only.
    Core,
    /// Serves what cores tell.
    Edge,
}

/// Where NATS is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Nats {
    /// A child of ours, listening here.
    Managed(SocketAddr),
    /// The operator's.
    Url(String),
}

/// Settings of `jaego serve`, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What this process does.
    pub role: Role,
    /// Registry file to import at start.
    pub registry: Option<PathBuf>,
    /// Most outlets that import may take out.
    pub max_loss: usize,
    /// Data folder.
    pub data_dir: PathBuf,
    /// NATS.
    pub nats: Nats,
    /// Monitoring pages of an outside NATS.
    pub nats_monitors: Vec<String>,
    /// Replicas of a new journal.
    pub replicas: usize,
    /// Address of the open API.
    pub open_addr: SocketAddr,
    /// Whether other processes may listen there as well.
    pub open_share: bool,
    /// What one reader there may take.
    pub reader_limits: ReaderLimits,
    /// Background of the map.
    pub map_tiles: Option<MapTiles>,
    /// Address of the desk.
    pub desk_addr: SocketAddr,
    /// What one caller there may take.
    pub desk_limits: ReaderLimits,
    /// Ration policies to put into force.
    pub schedule: Option<Schedule>,
    /// Address of the admin port.
    pub admin_addr: SocketAddr,
    /// What one caller there may take.
    pub admin_limits: ReaderLimits,
    /// Whether the way from a report to what is served is measured by reports of our own.
    pub probe: bool,
    /// Time between versions.
    pub tick: Duration,
    /// Item of the face of 2020.
    pub face_item: ItemId,
    /// Past days whose changes are kept; none where it is 0.
    pub history_days: u32,
    /// Where an edge sends readers of past days.
    pub history_origin: Option<String>,
    /// Rules of reading.
    pub rules: Rules,
    /// Journal sequences that are not applied.
    pub skip_damaged: Vec<u64>,
    /// Whether to start without a checkpoint where the journal has dropped its oldest entries.
    pub forget_beginning: bool,
    /// Keys of person fingerprints; an edge has none.
    pub identity: Option<Arc<Identity>>,
    /// How far the clock of this process is moved ahead; nothing but rehearsals move it.
    pub clock_ahead: Duration,
    /// Log filter.
    pub log: String,
    /// Whether logs are JSON lines.
    pub log_json: bool,
    /// Whether to stop when standard input closes.
    pub exit_on_stdin_close: bool,
}

impl Settings {
    /// What the public side of this process is told.
    #[must_use]
    pub fn publisher(&self) -> publisher::Settings {
        publisher::Settings {
            face: Face { item: self.face_item.clone() },
            limits: self.reader_limits.clone(),
            tiles: self.map_tiles.clone(),
            deprecations: publisher::Deprecations::of_this_version(),
        }
    }
}

/// The arguments of `jaego serve`.
#[must_use]
pub fn arguments(command: Command) -> Command {
    let flags = KEYS.iter().map(|key| {
        let default =
            if key.default.is_empty() { String::new() } else { format!(" [default: {}]", key.default) };
        Arg::new(key.name).long(key.name).value_name("VALUE").help(format!(
            "{}{default} [env: {}]",
            key.help,
            variable(key.name)
        ))
    });
    command
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .help("Settings file (TOML), one key for each flag [env: JAEGO_CONFIG]"),
        )
        .args(flags)
        .arg(
            Arg::new("exit-on-stdin-close")
                .long("exit-on-stdin-close")
                .action(ArgAction::SetTrue)
                .help("Stop when standard input closes: no orphan is left behind a parent that died"),
        )
}

/// Reads the settings from flags, the environment and the file.
///
/// # Errors
/// All mistakes there are.
pub fn read(
    flags: &ArgMatches,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Settings, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    let config =
        flags.get_one::<String>("config").cloned().or_else(|| environment("JAEGO_CONFIG")).map(PathBuf::from);
    let file = config.as_deref().map(|path| read_file(path, &mut mistakes)).unwrap_or_default();
    let mut layers = Layers { values: BTreeMap::new(), mistakes };
    for key in KEYS {
        let flag = flags.get_one::<String>(key.name).map(|v| (v.clone(), Origin::Flag));
        let from_environment = || environment(&variable(key.name)).map(|v| (v, Origin::Environment));
        let from_file = || Some((file.get(key.name)?.clone(), Origin::File(config.clone()?)));
        let value = flag.or_else(from_environment).or_else(from_file);
        layers.values.insert(key.name, value.unwrap_or_else(|| (key.default.to_owned(), Origin::Default)));
    }
    let role = layers.value("role", values::role);
    let identity = match role {
        Some(Role::Edge) => None,
        _ => person_keys::read(&mut layers, &environment),
    };
    let settings = layers.settings(role, identity, flags.get_flag("exit-on-stdin-close"));
    if layers.mistakes.is_empty() {
        Ok(settings.expect("no mistake, so every value fits"))
    } else {
        Err(layers.mistakes)
    }
}

fn variable(name: &str) -> String {
    format!("JAEGO_{}", name.to_uppercase().replace('-', "_"))
}

fn read_file(path: &Path, mistakes: &mut Vec<Mistake>) -> BTreeMap<String, String> {
    let wrong = |why: String| Mistake::File { path: path.to_owned(), why };
    let table = std::fs::read_to_string(path)
        .map_err(|e| wrong(e.to_string()))
        .and_then(|text| text.parse::<toml::Table>().map_err(|e| wrong(e.to_string())));
    let table = table.unwrap_or_else(|mistake| {
        mistakes.push(mistake);
        toml::Table::new()
    });
    let mut values = BTreeMap::new();
    for (key, value) in table {
        if KEYS.iter().any(|k| k.name == key) {
            values.insert(key, plain(&value));
        } else {
            mistakes.push(Mistake::UnknownKey { path: path.to_owned(), hint: hint(&key), key });
        }
    }
    values
}

/// A value of the file as the flag would have it.
fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(all) => all.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// The setting that shares the longest beginning or has the same letters but for `_` and `-`.
fn hint(key: &str) -> String {
    let wanted = key.replace('_', "-");
    let shared = |name: &str| name.bytes().zip(wanted.bytes()).take_while(|(a, b)| a == b).count();
    KEYS.iter()
        .max_by_key(|k| (k.name == wanted, shared(k.name)))
        .filter(|k| shared(k.name) >= 3)
        .map(|k| format!("; did you mean {:?}?", k.name))
        .unwrap_or_else(|| "; see jaego serve --help".to_owned())
}

struct Layers {
    values: BTreeMap<&'static str, (String, Origin)>,
    mistakes: Vec<Mistake>,
}

impl Layers {
    /// All settings. Each is read, so that every mistake is on the list.
    fn settings(
        &mut self,
        role: Option<Role>,
        identity: Option<Arc<Identity>>,
        exit_on_stdin_close: bool,
    ) -> Option<Settings> {
        let nats_listen = self.value("nats-listen", values::address);
        let is_edge = role == Some(Role::Edge);
        let nats = self.value("nats", if is_edge { values::nats_of_cores } else { values::nats_url });
        let nats_monitors = self.value("nats-monitor", |v| Ok(values::list(v).map(str::to_owned).collect()));
        let replicas = self.value("replicas", values::replicas);
        let registry = self.value("registry", values::registry_file);
        let max_loss = self.value("max-loss", values::outlets);
        let data_dir = self.value("data-dir", |v| Ok(PathBuf::from(v)));
        let open_addr = self.value("open-addr", values::address);
        let open_share = self.value("open-share", values::yes);
        let reader_limits = reader_limits::read(self);
        let map_tiles = map_tiles::read(self);
        let desk_addr = self.value("desk-addr", values::address);
        let desk_limits = reader_limits::desk(self);
        let admin_addr = self.value("admin-addr", values::address);
        let admin_limits = reader_limits::admin(self);
        let schedule = self.value("policy", values::policy);
        let probe = self.value("probe", values::yes);
        let tick = self.value("tick", values::tick);
        let face_item = self.value("face-item", |v| ItemId::new(v).map_err(|e| e.to_string()));
        let history_days = self.value("history-days", values::days);
        let history_origin = self.value("history-origin", values::origin);
        let rules = self.rules();
        let skip_damaged = self.value("skip-damaged", values::sequences);
        let forget_beginning = self.value("forget-beginning", values::yes);
        let clock_ahead = self.value("clock-ahead", values::duration);
        let log = self.value("log", values::log_filter);
        let log_json = self.value("log-format", values::log_json);
        let listen = nats_listen?;
        Some(Settings {
            role: role?,
            registry: registry?,
            max_loss: max_loss?,
            data_dir: data_dir?,
            nats: nats?.map_or(Nats::Managed(listen), Nats::Url),
            nats_monitors: nats_monitors?,
            replicas: replicas?,
            open_addr: open_addr?,
            open_share: open_share?,
            reader_limits: reader_limits?,
            map_tiles: map_tiles?,
            desk_addr: desk_addr?,
            desk_limits: desk_limits?,
            admin_addr: admin_addr?,
            admin_limits: admin_limits?,
            schedule: schedule?,
            probe: probe?,
            tick: tick?,
            face_item: face_item?,
            history_days: history_days?,
            history_origin: history_origin?,
            rules: rules?,
            skip_damaged: skip_damaged?,
            identity,
            forget_beginning: forget_beginning?,
            clock_ahead: clock_ahead?,
            log: log?,
            log_json: log_json?,
            exit_on_stdin_close,
        })
    }

    fn rules(&mut self) -> Option<Rules> {
        let silent_after = self.value("silent-after", values::duration);
        let hidden_after = self.value("hidden-after", values::duration);
        let millis = |d: Duration| i64::try_from(d.as_millis()).unwrap_or(i64::MAX);
        Some(Rules {
            silent_after_ms: millis(silent_after?),
            hidden_after_ms: millis(hidden_after?),
            ..Rules::default()
        })
    }

    /// The value of a setting, or a mistake on the list.
    fn value<T>(&mut self, name: &'static str, read: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let (value, origin) = &self.values[name];
        read(value)
            .map_err(|why| {
                let origin = origin.words(name);
                self.mistakes.push(Mistake::Value { name, value: value.clone(), origin, why });
            })
            .ok()
    }
}

impl Origin {
    fn words(&self, name: &str) -> String {
        match self {
            Self::Default => "the default".to_owned(),
            Self::File(path) => format!("from {}", path.display()),
            Self::Environment => format!("from {}", variable(name)),
            Self::Flag => format!("from --{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key for tests.
    pub(super) const KEY: &str = "00112233445566778899aabbccddeeff0123456789abcdef0f1e2d3c4b5a6978";

    pub(super) fn read_all(flags: &[&str], environment: &[(&str, &str)]) -> Result<Settings, Vec<Mistake>> {
        let command = arguments(Command::new("serve"));
        let matches = command.get_matches_from(std::iter::once("serve").chain(flags.iter().copied()));
        read(&matches, |name| environment.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("jaego.toml");
        std::fs::write(&file, "tick = \"2s\"\nmax-loss = 7\nlog-format = \"json\"\n").unwrap();
        let file = file.to_str().unwrap();
        let environment = [("JAEGO_TICK", "3s"), ("JAEGO_MAX_LOSS", "8"), ("JAEGO_PERSON_KEY_HEX", KEY)];
        let settings = read_all(&["--config", file, "--tick", "4s"], &environment).unwrap();
        assert_eq!(settings.tick, Duration::from_secs(4));
        assert_eq!(settings.max_loss, 8);
        assert!(settings.log_json);
        assert_eq!(settings.open_addr, "127.0.0.1:8080".parse().unwrap());
    }

    #[test]
    fn every_mistake_is_told_in_one_run() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("jaego.toml");
        std::fs::write(&file, "open_addr = \"127.0.0.1:1\"\ntick = \"90s\"\n").unwrap();
        let flags = ["--config", file.to_str().unwrap(), "--nats", "localhost"];
        let mistakes = read_all(&flags, &[("JAEGO_REPLICAS", "2")]).unwrap_err();
        let told: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 5, "{told:#?}");
        assert!(told.iter().any(|t| t.contains("did you mean \"open-addr\"?")), "{told:#?}");
        assert!(told.iter().any(|t| t.contains("tick = \"90s\"") && t.contains("100ms to 60s")), "{told:#?}");
        assert!(told.iter().any(|t| t.contains("from --nats")), "{told:#?}");
        assert!(told.iter().any(|t| t.contains("from JAEGO_REPLICAS")), "{told:#?}");
        assert!(told.iter().any(|t| t.starts_with("person-key: ")), "{told:#?}");
    }
}
