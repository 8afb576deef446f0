//! Days and months, in UTC.

use base::Timestamp;

use super::BudgetPeriod;

const DAY_MS: i64 = 86_400_000;

/// A moment as budgets see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) at: Timestamp,
    /// Days since 1970-01-01.
    pub(super) day: i64,
    /// The first day of its month, in the same count.
    pub(super) month_first_day: i64,
    /// The first day of the next month.
    next_month_first_day: i64,
}

impl Moment {
    pub(super) const fn of(at: Timestamp) -> Self {
        let day = at.unix_ms().div_euclid(DAY_MS);
        let (year, month, day_of_month) = civil(day);
        let month_first_day = day - (day_of_month - 1);
        let next_month_first_day = month_first_day + month_days(year, month);
        Self { at, day, month_first_day, next_month_first_day }
    }

    /// When the period that this moment lies in is over.
    pub(super) const fn end_of(self, period: BudgetPeriod) -> Timestamp {
        let day = match period {
            BudgetPeriod::Day => self.day + 1,
            BudgetPeriod::Month => self.next_month_first_day,
        };
        Timestamp::from_unix_ms(day * DAY_MS)
    }
}

/// Year, month (1 to 12) and day of the month of a day since 1970-01-01, in the Gregorian calendar;
/// after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
const fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day_of_month)
}

const fn month_days(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn periods_end_where_the_calendar_says() {
        let cases = [
            ("2026-11-18T11:06:40Z", "2026-11-19", "2026-12-01"),
            ("2026-12-31T23:59:59Z", "2027-01-01", "2027-01-01"),
            ("2028-02-29T00:00:00Z", "2028-03-01", "2028-03-01"),
            ("2100-02-28T12:00:00Z", "2100-03-01", "2100-03-01"),
            ("1970-01-01T00:00:00Z", "1970-01-02", "1970-02-01"),
        ];
        for (at, day_end, month_end) in cases {
            let moment = Moment::of(Timestamp::parse(at).unwrap());
            let ends = |period| moment.end_of(period);
            assert_eq!(ends(BudgetPeriod::Day), Timestamp::parse(day_end).unwrap(), "{at}");
            assert_eq!(ends(BudgetPeriod::Month), Timestamp::parse(month_end).unwrap(), "{at}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_lies_in_its_month() {
        let mut month_first = 0;
        let mut next = 31;
        for day in 0..146_097 {
            let moment = Moment::of(Timestamp::from_unix_ms(day * DAY_MS));
            if day == next {
                month_first = day;
                next = moment.next_month_first_day;
            }
            assert_eq!(moment.month_first_day, month_first, "{day}");
            assert_eq!(moment.next_month_first_day, next, "{day}");
        }
    }
}
