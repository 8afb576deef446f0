//! The sums of one open tenant.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use base::UserId;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::calendar::Moment;
use super::{BudgetPeriod, BudgetScope, TokenBudgets};

/// Tokens that were charged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spent {
    pub(super) day: u64,
    pub(super) month: u64,
}

/// What is used of a budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Tokens charged to the day.
    pub day: u64,
    /// Tokens charged to the month.
    pub month: u64,
    /// Tokens that are reserved at this moment.
    pub reserved: u64,
}

impl Used {
    const fn of(&self, period: BudgetPeriod) -> u64 {
        match period {
            BudgetPeriod::Day => self.day,
            BudgetPeriod::Month => self.month,
        }
    }
}

/// The sums of a tenant and of its people, in one day and one month.
#[derive(Debug)]
pub(super) struct Sums {
    day: i64,
    month_first_day: i64,
    tenant: Used,
    /// Bounded by the people of the tenant.
    people: HashMap<UserId, Used>,
}

impl Sums {
    pub(super) fn at(now: Moment) -> Self {
        Self {
            day: now.day,
            month_first_day: now.month_first_day,
            tenant: Used::default(),
            people: HashMap::new(),
        }
    }

    /// Adds what `user` has used to the tenant's sum and to theirs.
    pub(super) fn add(&mut self, user: Option<UserId>, spent: Spent) {
        self.each(user, |used| {
            used.day += spent.day;
            used.month += spent.month;
        });
    }

    fn each(&mut self, user: Option<UserId>, change: impl Fn(&mut Used)) {
        change(&mut self.tenant);
        if let Some(user) = user {
            change(self.people.entry(user).or_default());
        }
    }

    /// Begins anew what is over. A clock that went back ends nothing.
    fn roll(&mut self, now: Moment) {
        if now.day <= self.day {
            return;
        }
        let new_month = now.month_first_day > self.month_first_day;
        self.day = now.day;
        self.month_first_day = now.month_first_day;
        for used in self.people.values_mut().chain([&mut self.tenant]) {
            used.day = 0;
            if new_month {
                used.month = 0;
            }
        }
        self.people.retain(|_, used| *used != Used::default());
    }

    fn person(&self, user: UserId) -> Used {
        self.people.get(&user).copied().unwrap_or_default()
    }

    /// The first budget that has no room for `tokens`.
    fn shortage(
        &self,
        user: Option<UserId>,
        tokens: u64,
        budgets: &TokenBudgets,
    ) -> Option<Shortage> {
        let person = user.map(|user| (BudgetScope::Person, self.person(user)));
        let scopes = person.into_iter().chain([(BudgetScope::Tenant, self.tenant)]);
        let mut found: Option<Shortage> = None;
        for (scope, used) in scopes {
            // The one that lasts longest is the one to tell.
            for period in [BudgetPeriod::Month, BudgetPeriod::Day] {
                let Some(limit) = budgets.limit(scope, period) else { continue };
                let charged = used.of(period);
                let taken = charged.saturating_add(used.reserved);
                if taken.saturating_add(tokens) > limit {
                    let may_be_given_back = charged.saturating_add(tokens) <= limit;
                    let shortage =
                        Shortage { scope, period, used: taken, limit, may_be_given_back };
                    match &found {
                        // One that stays weighs more than one that may pass.
                        Some(first) if !first.may_be_given_back || may_be_given_back => {}
                        _ => found = Some(shortage),
                    }
                }
            }
        }
        found
    }
}

/// A budget without room.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shortage {
    pub(super) scope: BudgetScope,
    pub(super) period: BudgetPeriod,
    /// Used or reserved.
    pub(super) used: u64,
    pub(super) limit: u64,
    /// Whether there would be room if all that is reserved were given back.
    may_be_given_back: bool,
}

impl Shortage {
    /// Whether there may be room before `wait` is over.
    pub(super) fn may_end_within(&self, now: Moment, wait: Duration) -> bool {
        !wait.is_zero() && (self.may_be_given_back || self.until_reset(now) <= wait)
    }

    /// When to look again at the latest.
    pub(super) fn wake_after(&self, now: Moment, wait: Duration) -> Duration {
        // A millisecond later than the last of the old day.
        wait.min(self.until_reset(now) + Duration::from_millis(1))
    }

    pub(super) fn retry_after_s(&self, now: Moment) -> u32 {
        /// What is reserved by others is given back within about this time.
        const SOON_S: u32 = 5;
        let until_reset = self.until_reset(now).as_secs().saturating_add(1);
        let until_reset = u32::try_from(until_reset).unwrap_or(u32::MAX);
        if self.may_be_given_back { SOON_S.min(until_reset) } else { until_reset }
    }

    fn until_reset(&self, now: Moment) -> Duration {
        let ms = now.end_of(self.period).since_ms(now.at);
        Duration::from_millis(u64::try_from(ms).unwrap_or(0))
    }
}

/// The book of an open tenant.
#[derive(Default)]
pub(super) struct Book {
    sums: Mutex<Option<Sums>>,
    given_back: Notify,
}

impl Book {
    pub(super) fn is_loaded(&self) -> bool {
        self.sums.lock().is_some()
    }

    /// Begins with `sums`, unless it has begun.
    pub(super) fn load(&self, now: Moment, sums: Sums) {
        let mut present = self.sums.lock();
        present.get_or_insert(sums).roll(now);
    }

    /// Ends when somebody gives something back, from when it is enabled.
    pub(super) fn given_back(&self) -> Notified<'_> {
        self.given_back.notified()
    }

    /// Sets `tokens` aside, if every budget has room for them.
    pub(super) fn hold(
        self: &Arc<Self>,
        now: Moment,
        user: Option<UserId>,
        tokens: u64,
        budgets: &TokenBudgets,
    ) -> Result<Hold, Shortage> {
        let mut sums = self.sums.lock();
        let sums = sums.get_or_insert_with(|| Sums::at(now));
        sums.roll(now);
        if let Some(shortage) = sums.shortage(user, tokens, budgets) {
            return Err(shortage);
        }
        sums.each(user, |used| used.reserved += tokens);
        Ok(Hold { book: Arc::clone(self), now, user, tokens })
    }

    /// Work that is not counted against a budget.
    pub(super) fn hold_beyond(self: &Arc<Self>, now: Moment, user: Option<UserId>) -> Hold {
        Hold { book: Arc::clone(self), now, user, tokens: 0 }
    }

    /// What the tenant and `user` have used.
    pub(super) fn used(&self, now: Moment, user: Option<UserId>) -> (Used, Option<Used>) {
        let mut sums = self.sums.lock();
        let sums = sums.get_or_insert_with(|| Sums::at(now));
        sums.roll(now);
        (sums.tenant, user.map(|user| sums.person(user)))
    }
}

/// Tokens set aside; given back on drop.
pub(super) struct Hold {
    book: Arc<Book>,
    now: Moment,
    user: Option<UserId>,
    tokens: u64,
}

impl Hold {
    /// The day that the work counts for.
    pub(super) const fn day(&self) -> i64 {
        self.now.day
    }

    pub(super) const fn user(&self) -> Option<UserId> {
        self.user
    }

    /// Charges `tokens`, to no budget when they go beyond it; gives what the tenant has used then.
    pub(super) fn settle(self, tokens: u64, beyond_budget: bool) -> Used {
        let mut sums = self.book.sums.lock();
        let sums = sums.get_or_insert_with(|| Sums::at(self.now));
        if !beyond_budget {
            // What began yesterday is yesterday's; its row says so as well.
            let day = if sums.day == self.now.day { tokens } else { 0 };
            let same_month = sums.month_first_day == self.now.month_first_day;
            let month = if same_month { tokens } else { 0 };
            sums.add(self.user, Spent { day, month });
        }
        let mut used = sums.tenant;
        // The drop that follows takes it away.
        used.reserved = used.reserved.saturating_sub(self.tokens);
        used
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.tokens > 0
            && let Some(sums) = self.book.sums.lock().as_mut()
        {
            sums.each(self.user, |used| used.reserved = used.reserved.saturating_sub(self.tokens));
        }
        self.book.given_back.notify_waiters();
    }
}
