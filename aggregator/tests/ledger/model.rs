//! A ledger that keeps a plain list of everything and works each answer out anew from all of it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, Days, FixedOffset, NaiveDate, Weekday};
use schemas::Millis;
use schemas::claim::{ClaimId, ClaimState, Refusal, Verdict};
use schemas::entry::{ClaimEntry, SettleEntry};
use schemas::person::PersonKey;
use schemas::policy::{DayGate, Policy, Schedule, Window};
use schemas::pos::Reason;

use crate::world::{DAY, HOUR};

/// A claim as it was decided and as it stands.
#[derive(Debug, Clone)]
pub struct Kept {
    pub entry: ClaimEntry<'static>,
    group: Option<String>,
    day: NaiveDate,
    pub verdict: Verdict,
    pub refusal: Option<Refusal>,
    pub remaining: Option<u32>,
    pub over: bool,
    counted: bool,
    pub state: ClaimState,
    until: Option<Millis>,
}

/// Stock of an item at an outlet.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Stock {
    pub count: Option<i64>,
    pub promised: i64,
    reported: Option<Millis>,
}

/// Everything that ever happened.
#[derive(Default)]
pub struct Model {
    pub claims: Vec<Kept>,
    /// Voids whose claims were not known.
    withdrawn: Vec<(ClaimId, Millis)>,
    schedule: Option<Schedule>,
    rationed: BTreeSet<String>,
    /// Keys that are one person's, and the one in use.
    people: Vec<(BTreeSet<PersonKey>, PersonKey)>,
    pub stock: BTreeMap<(&'static str, &'static str), Stock>,
    pub now: Option<Millis>,
}

fn local(at: Millis, offset_minutes: i16) -> NaiveDate {
    let offset = FixedOffset::east_opt(i32::from(offset_minutes) * 60).unwrap();
    DateTime::from_timestamp_millis(at.0).unwrap().with_timezone(&offset).date_naive()
}

/// Whether two days lie in one window that ends, where it rolls, on `last`.
fn within(window: Window, day: NaiveDate, other: NaiveDate, last: NaiveDate) -> bool {
    match window {
        Window::Day => day == other,
        Window::Week => day.week(Weekday::Mon).first_day() == other.week(Weekday::Mon).first_day(),
        Window::Month => (day.year(), day.month()) == (other.year(), other.month()),
        Window::RollingDays(length) => {
            (0..i64::from(length)).contains(&last.signed_duration_since(other).num_days())
        }
    }
}

impl Model {
    pub fn schedule(&mut self, schedule: Schedule) {
        let items = schedule.groups.iter().flat_map(|group| &group.items);
        self.rationed.extend(items.map(|item| item.as_str().to_owned()));
        self.schedule = Some(schedule);
    }

    /// What is to be said of a claim: what is kept of it, and whether it was decided before.
    pub fn claim(&mut self, entry: &ClaimEntry<'static>) -> Result<(Kept, bool), Reason> {
        if let Some(before) = self.claims.iter().find(|kept| kept.entry.id == entry.id && self.is_kept(kept))
        {
            let same = before.entry.body == entry.body;
            return if same { Ok((before.clone(), true)) } else { Err(Reason::IdConflict) };
        }
        if self.withdrawn.iter().any(|(id, at)| *id == entry.id && self.age(*at) <= DAY) {
            return Err(Reason::Withdrawn);
        }
        self.same_person(entry);
        let kept = self.decide(entry);
        if let (Verdict::Granted, _) | (Verdict::Recorded, false) = (kept.verdict, kept.counted) {
            self.moves(&kept, -1, 0);
        } else if kept.verdict == Verdict::Reserved {
            self.moves(&kept, 0, 1);
        }
        self.claims.push(kept.clone());
        Ok((kept, false))
    }

    fn decide(&self, entry: &ClaimEntry<'static>) -> Kept {
        let at = entry.occurred.unwrap_or(entry.received);
        let offset = self.schedule.as_ref().map_or(540, |schedule| schedule.offset_minutes);
        let day = local(at, offset);
        let (refusal, left) = self.judge(entry, at, day);
        let verdict = match (entry.occurred, refusal, entry.until) {
            (Some(_), ..) => Verdict::Recorded,
            (None, Some(_), _) => Verdict::Refused,
            (None, None, Some(_)) => Verdict::Reserved,
            (None, None, None) => Verdict::Granted,
        };
        let takes = verdict != Verdict::Refused;
        let whole = self.policy(entry.item, at).is_some_and(|(_, policy)| !policy.split);
        let after = |left: u32| if whole { 0 } else { left.saturating_sub(entry.quantity) };
        let reported = self.stock.get(&(entry.outlet, entry.item)).and_then(|stock| stock.reported);
        Kept {
            group: self.group(entry.item),
            day,
            verdict,
            refusal: refusal.filter(|_| !takes),
            remaining: left.map(|left| if takes { after(left) } else { left }),
            over: entry.occurred.is_some() && left.is_some_and(|left| entry.quantity > left),
            counted: entry.occurred.is_some() && reported.is_some_and(|reported| reported >= at),
            state: if verdict == Verdict::Reserved { ClaimState::Held } else { ClaimState::Final },
            until: entry.until.filter(|_| verdict == Verdict::Reserved),
            entry: entry.clone(),
        }
    }

    /// Why not, and how many pieces were left.
    fn judge(&self, entry: &ClaimEntry<'_>, at: Millis, day: NaiveDate) -> (Option<Refusal>, Option<u32>) {
        let Some((group, policy)) = self.policy(entry.item, at) else {
            return (Some(Refusal::NotRationed), None);
        };
        let used = self.used(entry.person.key, &group, policy.window, day, |_| true);
        let left = policy.quantity.saturating_sub(used);
        let left = if !policy.split && used > 0 { 0 } else { left };
        let not_mine = policy.days.as_ref().is_some_and(|days| {
            let gate = &days.week[day.weekday().num_days_from_monday() as usize];
            let digit = (entry.person.born.unwrap() % 10) as u8;
            matches!(gate, DayGate::Digits(digits) if !digits.contains(&digit))
        });
        let refusal = match () {
            () if entry.buyer.is_some() => Some(Refusal::ProxyNotAllowed),
            () if left == 0 => Some(Refusal::LimitReached),
            () if not_mine => Some(Refusal::NotYourDay),
            () if entry.quantity > left => Some(Refusal::LimitReached),
            () => None,
        };
        (refusal, Some(left))
    }

    fn group(&self, item: &str) -> Option<String> {
        let mut groups = self.schedule.as_ref()?.groups.iter();
        let group = groups.find(|group| group.items.iter().any(|i| i.as_str() == item))?;
        Some(group.name.as_str().to_owned())
    }

    pub fn policy(&self, item: &str, at: Millis) -> Option<(String, Policy)> {
        let group = self.group(item)?;
        let policies = self.schedule.as_ref()?.policies.iter();
        let begun = policies.filter(|p| p.group.as_str() == group && p.effective_from.0 <= at);
        begun.max_by_key(|policy| policy.effective_from.0).map(|policy| (group, policy.clone()))
    }

    /// Pieces in the fullest window that holds the day, of the claims for which `of` holds.
    pub fn used(
        &self,
        key: PersonKey,
        group: &str,
        window: Window,
        day: NaiveDate,
        of: impl Fn(&Kept) -> bool,
    ) -> u32 {
        let keys = self.keys_of(key);
        let mine =
            |kept: &&Kept| kept.group.as_deref() == Some(group) && keys.contains(&kept.entry.person.key);
        let live: Vec<&Kept> =
            self.claims.iter().filter(mine).filter(|kept| kept.is_live() && of(kept)).collect();
        let lasts = if let Window::RollingDays(length) = window { u64::from(length) } else { 1 };
        let fullest = (0..lasts).map(|later| day + Days::new(later)).map(|last| {
            let inside = live.iter().filter(|kept| within(window, day, kept.day, last));
            inside.map(|kept| kept.entry.quantity).sum()
        });
        fullest.max().unwrap()
    }

    /// What online claims alone hold in the windows of this claim's day, and what they may.
    pub fn online(&self, kept: &Kept) -> Option<(u32, u32)> {
        let (group, policy) = self.policy(kept.entry.item, kept.entry.received)?;
        let online = |kept: &Kept| kept.verdict != Verdict::Recorded;
        Some((self.used(kept.entry.person.key, &group, policy.window, kept.day, online), policy.quantity))
    }

    fn keys_of(&self, key: PersonKey) -> BTreeSet<PersonKey> {
        let known = self.people.iter().find(|(keys, _)| keys.contains(&key));
        known.map_or(BTreeSet::from([key]), |(keys, _)| keys.clone())
    }

    fn same_person(&mut self, entry: &ClaimEntry<'_>) {
        let Some(was) = entry.person.was else { return };
        let (mut one, key) = (BTreeSet::from([entry.person.key, was]), entry.person.key);
        for (keys, _) in self.people.extract_if(.., |(keys, _)| keys.contains(&key) || keys.contains(&was)) {
            one.extend(keys);
        }
        self.people.push((one, key));
    }

    /// Keys but the last of each person mean nothing more.
    pub fn end_of_keys(&mut self) {
        for (keys, last) in std::mem::take(&mut self.people) {
            let mine = self.claims.iter_mut().filter(|kept| keys.contains(&kept.entry.person.key));
            mine.for_each(|kept| kept.entry.person.key = last);
        }
    }

    pub fn void(&mut self, entry: &SettleEntry<'static>) -> Result<(Kept, bool), Reason> {
        let at = match self.own(entry) {
            Err(Reason::UnknownClaim) => {
                let known = self.withdrawn.iter().any(|(id, at)| *id == entry.id && self.age(*at) <= DAY);
                self.withdrawn.extend((!known).then_some((entry.id, entry.received)));
                return Err(Reason::UnknownClaim);
            }
            at => at?,
        };
        let kept = self.claims[at].clone();
        match (kept.verdict, kept.state) {
            (Verdict::Refused, _) | (_, ClaimState::Expired) => return Err(Reason::NothingToVoid),
            (_, ClaimState::Voided) => return Ok((kept, true)),
            (_, ClaimState::Held) => self.moves(&kept, 0, -1),
            _ if !kept.counted => self.moves(&kept, 1, 0),
            _ => {}
        }
        self.claims[at].state = ClaimState::Voided;
        Ok((self.claims[at].clone(), false))
    }

    pub fn confirm(&mut self, entry: &SettleEntry<'static>) -> Result<(Kept, bool), Reason> {
        let at = self.own(entry)?;
        let kept = self.claims[at].clone();
        match kept.state {
            ClaimState::Confirmed => return Ok((kept, true)),
            ClaimState::Held => self.moves(&kept, -1, -1),
            _ => return Err(Reason::NotHeld),
        }
        self.claims[at].state = ClaimState::Confirmed;
        Ok((self.claims[at].clone(), false))
    }

    fn own(&self, entry: &SettleEntry<'_>) -> Result<usize, Reason> {
        let known = |kept: &Kept| kept.entry.id == entry.id && self.is_kept(kept);
        let at = self.claims.iter().position(known).ok_or(Reason::UnknownClaim)?;
        if self.claims[at].entry.outlet == entry.outlet { Ok(at) } else { Err(Reason::OtherOutlet) }
    }

    pub fn tick(&mut self, at: Millis) {
        let now = self.now.map_or(at, |now| now.max(at));
        self.now = Some(now);
        let over =
            |kept: &Kept| kept.state == ClaimState::Held && kept.until.is_some_and(|until| until <= now);
        for at in 0..self.claims.len() {
            if over(&self.claims[at]) {
                self.claims[at].state = ClaimState::Expired;
                self.moves(&self.claims[at].clone(), 0, -1);
            }
        }
    }

    pub fn report(&mut self, outlet: &'static str, item: &'static str, count: u32, at: Millis) {
        let stock = self.stock.entry((outlet, item)).or_default();
        (stock.count, stock.reported) = (Some(i64::from(count)), stock.reported.max(Some(at)));
    }

    fn moves(&mut self, kept: &Kept, count: i64, promised: i64) {
        if self.rationed.contains(kept.entry.item) {
            let stock = self.stock.entry((kept.entry.outlet, kept.entry.item)).or_default();
            let pieces = i64::from(kept.entry.quantity);
            stock.count = stock.count.map(|there| there + count * pieces);
            stock.promised += promised * pieces;
        }
    }

    fn is_kept(&self, kept: &Kept) -> bool {
        self.age(kept.entry.received) <= DAY
    }

    fn age(&self, at: Millis) -> i64 {
        self.now.map_or(0, |now| now.since(at))
    }

    /// Whether the id is in the hour in which it may be forgotten at any tick.
    pub fn is_leaving(&self, id: ClaimId) -> bool {
        let claims = self.claims.iter().map(|kept| (kept.entry.id, kept.entry.received));
        let mut all = claims.chain(self.withdrawn.iter().copied());
        all.any(|(one, at)| one == id && (DAY..=DAY + 2 * HOUR).contains(&self.age(at)))
    }
}

impl Kept {
    fn is_live(&self) -> bool {
        self.verdict != Verdict::Refused && !matches!(self.state, ClaimState::Voided | ClaimState::Expired)
    }
}
