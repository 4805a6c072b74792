//! `jaego audit person|outlet|over-limit`: what was asked and decided, read out of the journal and nothing else.
//!
//! The journal is folded from its beginning, so what is shown is what every core decided. A person's number is typed at the
//! console: it stands in no argument, log or file.

mod print;

use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use aggregator::{Applied, Fold};
use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use ingest::identity::{Identity, PersonSecret};
use schemas::claim::{ClaimId, PersonSaid};
use schemas::entry::{ClaimEntry, Entry, Keys, SettleEntry};
use schemas::person::{Person, PersonKey, PersonKind};
use schemas::pos::Reason;
use zeroize::Zeroizing;

use crate::journal_command::{Place, read, seal};
use print::Line;

/// What to look for in the journal.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// All that one person asked for; the number is asked for at the console, or read from standard input
    Person {
        /// Where the journal is
        #[command(flatten)]
        from: From,
        /// Document shown
        #[arg(long, value_enum, default_value = "resident")]
        kind: Kind,
        /// Issuing country of a passport, three letters
        #[arg(long)]
        country: Option<String>,
        /// Year of birth, for passports and cards
        #[arg(long)]
        born: Option<u16>,
        /// Key file of persons, as the server has it
        #[arg(long, env = "JAEGO_PERSON_KEY")]
        person_key: PathBuf,
        /// Key file before it, while keys change
        #[arg(long, env = "JAEGO_PERSON_KEY_PREVIOUS")]
        person_key_previous: Option<PathBuf>,
    },
    /// All claims of one outlet
    Outlet {
        /// Where the journal is
        #[command(flatten)]
        from: From,
        /// Outlet code
        code: String,
    },
    /// Late claims that went over the limit
    OverLimit {
        /// Where the journal is
        #[command(flatten)]
        from: From,
    },
}

/// Where the journal is, and how to print.
#[derive(Debug, Args)]
pub struct From {
    /// Where the journal is
    #[command(flatten)]
    place: Place,
    /// Print JSON, one object a line
    #[arg(long)]
    json: bool,
}

/// Kinds of documents.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Kind {
    /// Resident registration number
    Resident,
    /// Foreign resident's registration number
    Foreigner,
    /// Passport
    Passport,
    /// Insurance card
    Card,
}

/// Which entries are shown.
enum Wanted {
    Person {
        /// The person under each key that was given.
        known_as: Vec<PersonKey>,
        /// Those keys.
        given: Keys,
    },
    Outlet(String),
    OverLimit,
}

/// Runs the command.
///
/// # Errors
/// When the journal can not be read or is damaged, or the number is none.
pub async fn run(command: AuditCommand) -> anyhow::Result<ExitCode> {
    let (from, wanted) = match command {
        AuditCommand::Person { from, kind, country, born, person_key, person_key_previous } => {
            let previous = person_key_previous.as_deref().map(PersonSecret::read_file).transpose()?;
            let identity = Identity::new(PersonSecret::read_file(&person_key)?, previous);
            let number = typed_number()?;
            let said = PersonSaid {
                kind: kind.into(),
                number: number.as_str().into(),
                country: country.map(Into::into),
                born,
            };
            let Person { key, was, .. } = identity.person(&said)?.person;
            let known_as = [Some(key), was].into_iter().flatten().collect();
            (from, Wanted::Person { known_as, given: identity.keys() })
        }
        AuditCommand::Outlet { from, code } => (from, Wanted::Outlet(code)),
        AuditCommand::OverLimit { from } => (from, Wanted::OverLimit),
    };
    let lines = audit(&from.place, &wanted).await?;
    print::print(&lines, from.json)?;
    Ok(ExitCode::SUCCESS)
}

impl core::convert::From<Kind> for PersonKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Resident => Self::Resident,
            Kind::Foreigner => Self::Foreigner,
            Kind::Passport => Self::Passport,
            Kind::Card => Self::Card,
        }
    }
}

/// The number, typed without being shown, or a line of what is piped in.
fn typed_number() -> anyhow::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::with_capacity(64));
    if io::stdin().is_terminal() {
        *line = rpassword::prompt_password("number (is not shown): ").context("reading the number")?;
    } else {
        io::stdin().lock().read_line(&mut line).context("reading the number from standard input")?;
    }
    let number = Zeroizing::new(line.trim().to_owned());
    if number.is_empty() {
        bail!("no number: type it when asked, or pipe it in as one line");
    }
    Ok(number)
}

async fn audit(place: &Place, wanted: &Wanted) -> anyhow::Result<Vec<Line>> {
    let (journal, extent) = place.open().await?;
    if extent.first > extent.began {
        let gone = extent.first - extent.began;
        writeln!(
            io::stderr(),
            "the first {gone} messages are past the journal's age: what they decided is not known here, and decisions \
             that depended on them may be shown otherwise than they were"
        )?;
    }
    let mut book = Book {
        wanted,
        fold: Fold::default(),
        ids: HashSet::new(),
        early: HashMap::new(),
        keys: Vec::new(),
        lines: Vec::new(),
    };
    read(&journal, extent.first..=extent.last, |seq, message| {
        seal(message)
            .and_then(|seal| seal.open(&message.payload, |entry| book.note(seq, entry)))
            .with_context(|| format!("sequence {seq}; `jaego journal verify` lists all damage"))
    })
    .await?;
    book.tell_of_keys()?;
    book.lines.sort_by_key(Line::seq);
    Ok(book.lines)
}

/// The journal as far as it was read, and what is to be shown of it.
struct Book<'w> {
    wanted: &'w Wanted,
    fold: Fold,
    /// Claims that are shown, so that what settles them is shown too.
    ids: HashSet<ClaimId>,
    /// Voids of claims that had not come: whose they are is known once the claim comes.
    early: HashMap<ClaimId, Line>,
    /// Which keys persons were known under, each from a sequence on.
    keys: Vec<(u64, Keys)>,
    lines: Vec<Line>,
}

impl Book<'_> {
    /// Under a key that was not given a person is a stranger: then nothing found is no answer.
    ///
    /// # Errors
    /// When no entry at all is under a key that was given.
    fn tell_of_keys(&self) -> anyhow::Result<()> {
        let Wanted::Person { given, .. } = self.wanted else { return Ok(()) };
        let is_given = |key: u64| key == given.current || Some(key) == given.previous;
        let are_given = |keys: &Keys| is_given(keys.current) || keys.previous.is_some_and(is_given);
        let missing: Vec<&(u64, Keys)> = self.keys.iter().filter(|(_, keys)| !are_given(keys)).collect();
        for (from, keys) in &missing {
            writeln!(
                io::stderr(),
                "take care: from sequence {from} on persons are known under the key {:016x}, which was not given; what this person did then \
                 is not shown",
                keys.current
            )?;
        }
        if !missing.is_empty() && missing.len() == self.keys.len() {
            bail!(
                "nothing in this journal is under the key that was given: give the core's key with --person-key"
            );
        }
        Ok(())
    }

    fn note(&mut self, seq: u64, entry: Entry<'_>) {
        match entry {
            Entry::Claim(claim) => self.claim(seq, claim),
            Entry::Void(settle) => self.settle(seq, "void", settle, Entry::Void),
            Entry::Confirm(settle) => self.settle(seq, "confirm", settle, Entry::Confirm),
            Entry::Keys(keys) => {
                let in_force = self.fold.apply(seq, Entry::Keys(keys)) == Applied::Keys { in_force: true };
                self.keys.extend(in_force.then_some((seq, keys)));
            }
            other => drop(self.fold.apply(seq, other)),
        }
    }

    fn claim(&mut self, seq: u64, claim: ClaimEntry<'_>) {
        let line = Line::of_claim(seq, &claim);
        let is_wanted = match self.wanted {
            Wanted::Person { known_as, .. } => {
                let persons = std::iter::once(&claim.person).chain(claim.buyer.as_deref());
                persons
                    .flat_map(|person| [Some(person.key), person.was])
                    .flatten()
                    .any(|key| known_as.contains(&key))
            }
            Wanted::Outlet(code) => claim.outlet == code,
            Wanted::OverLimit => true,
        };
        let (id, applied) = (claim.id, self.fold.apply(seq, Entry::Claim(claim)));
        let is_over =
            matches!(applied, Applied::Claim(Ok(decided)) if decided.over_limit && !decided.replayed);
        if is_wanted && (is_over || !matches!(self.wanted, Wanted::OverLimit)) {
            self.ids.insert(id);
            self.lines.extend(self.early.remove(&id));
            self.lines.push(line.decided(applied));
        }
    }

    fn settle<'e>(
        &mut self,
        seq: u64,
        kind: &'static str,
        settle: SettleEntry<'e>,
        entry: impl FnOnce(SettleEntry<'e>) -> Entry<'e>,
    ) {
        let line = Line::of_settle(seq, kind, &settle);
        let is_of_outlet = matches!(self.wanted, Wanted::Outlet(code) if settle.outlet == code);
        let is_wanted = is_of_outlet || self.ids.contains(&settle.id);
        let id = settle.id;
        let applied = self.fold.apply(seq, entry(settle));
        if is_wanted {
            self.lines.push(line.decided(applied));
        } else if matches!(applied, Applied::Claim(Err(Reason::UnknownClaim))) {
            self.early.entry(id).or_insert_with(|| line.decided(applied));
        }
    }
}
