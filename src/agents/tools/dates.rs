//! `date_arithmetic`: the Gregorian calendar with weeks after ISO 8601.

use base::Classification;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::{Span, Unit};
use models::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};

use super::model::{SideEffect, Tool, ToolEnv, ToolFailure, ToolInfo, ToolOutput};
use super::registry::{ToolboxError, arguments, parameters};

/// Computes with dates.
pub(super) struct DateArithmetic {
    info: ToolInfo,
}

/// Most units that are added: beyond it no date of this calendar is left.
const AMOUNT_MAX: i64 = 10_000_000;

impl DateArithmetic {
    pub(super) fn new() -> Result<Self, ToolboxError> {
        let properties = json!({
            "operation": {
                "enum": ["add", "subtract", "difference", "weekday", "week", "today"],
                "description": "`difference` is from `date` to `other`; `week` is the calendar \
                                week after ISO 8601; `today` takes no date",
            },
            "date": {
                "type": "string", "minLength": 10, "maxLength": 19,
                "description": "2026-03-01 or 2026-03-01T08:00:00",
            },
            "other": { "type": "string", "minLength": 10, "maxLength": 19 },
            "amount": { "type": "integer", "minimum": -AMOUNT_MAX, "maximum": AMOUNT_MAX },
            "unit": { "enum": ["hours", "days", "weekdays", "weeks", "months", "years"] },
        });
        let info = ToolInfo {
            name: "date_arithmetic",
            description: "Adds to a date or subtracts from it, tells the difference of two dates, \
                          the day of the week, the calendar week, or today's date. `weekdays` \
                          leaves out Saturdays and Sundays; holidays are not known.",
            parameters: parameters("date_arithmetic", &properties, &["operation"])?,
            side_effect: SideEffect::None,
            ceiling: Classification::Restricted,
            permission: None,
        };
        Ok(Self { info })
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Operation {
    Add,
    Subtract,
    Difference,
    Weekday,
    Week,
    Today,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum DateUnit {
    Hours,
    Days,
    Weekdays,
    Weeks,
    Months,
    Years,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    operation: Operation,
    date: Option<String>,
    other: Option<String>,
    amount: Option<i64>,
    unit: Option<DateUnit>,
}

impl Tool for DateArithmetic {
    fn info(&self) -> &ToolInfo {
        &self.info
    }

    fn run<'a>(
        &'a self,
        env: &'a ToolEnv<'a>,
        value: Value,
    ) -> BoxFuture<'a, Result<ToolOutput, ToolFailure>> {
        Box::pin(async move {
            let asked: Asked = arguments(value)?;
            let today = env.ctx.now().to_string();
            compute(&asked, &today).map(ToolOutput::computed)
        })
    }
}

fn compute(asked: &Asked, now: &str) -> Result<Value, ToolFailure> {
    if matches!(asked.operation, Operation::Today) {
        let today = now.get(..10).unwrap_or(now);
        return Ok(described(&read("today", Some(today))?));
    }
    let date = read("date", asked.date.as_deref())?;
    match asked.operation {
        Operation::Today | Operation::Weekday | Operation::Week => Ok(described(&date)),
        Operation::Difference => difference(&date, &read("other", asked.other.as_deref())?),
        Operation::Add | Operation::Subtract => {
            let amount = asked.amount.ok_or_else(|| wrong("amount", "is missing"))?;
            let unit = asked.unit.ok_or_else(|| wrong("unit", "is missing"))?;
            let sign = if matches!(asked.operation, Operation::Subtract) { -1 } else { 1 };
            Ok(described(&moved(&date, sign * amount, unit)?))
        }
    }
}

/// A date, with a time of day where one was given.
struct Moment {
    at: DateTime,
    has_time: bool,
}

fn read(field: &'static str, text: Option<&str>) -> Result<Moment, ToolFailure> {
    let text = text.ok_or_else(|| wrong(field, "is missing"))?;
    let at = if text.len() == 10 {
        text.parse::<Date>().map(|date| date.at(0, 0, 0, 0))
    } else {
        text.parse::<DateTime>()
    };
    let at = at.map_err(|_| wrong(field, "must be such as 2026-03-01 or 2026-03-01T08:00:00"))?;
    Ok(Moment { at, has_time: text.len() > 10 })
}

fn moved(from: &Moment, amount: i64, unit: DateUnit) -> Result<Moment, ToolFailure> {
    let beyond = |_| wrong("amount", "leads out of the calendar");
    if unit == DateUnit::Weekdays {
        return Ok(Moment { at: by_weekdays(from.at, amount)?, has_time: from.has_time });
    }
    let span = Span::new();
    let span = match unit {
        DateUnit::Hours => span.try_hours(amount),
        DateUnit::Days | DateUnit::Weekdays => span.try_days(amount),
        DateUnit::Weeks => span.try_weeks(amount),
        DateUnit::Months => span.try_months(amount),
        DateUnit::Years => span.try_years(amount),
    };
    let at = from.at.checked_add(span.map_err(beyond)?).map_err(beyond)?;
    Ok(Moment { at, has_time: from.has_time || unit == DateUnit::Hours })
}

/// Whole weeks first, then at most four days one by one.
fn by_weekdays(from: DateTime, amount: i64) -> Result<DateTime, ToolFailure> {
    let beyond = |_| wrong("amount", "leads out of the calendar");
    let weekend = |at: &DateTime| matches!(at.weekday(), Weekday::Saturday | Weekday::Sunday);
    let day = Span::new().try_days(amount.signum()).map_err(beyond)?;
    let mut at = from;
    // From a weekend on counts from the weekday before, or behind when going back.
    let back = Span::new().try_days(-amount.signum()).map_err(beyond)?;
    while amount != 0 && weekend(&at) {
        at = at.checked_add(back).map_err(beyond)?;
    }
    let weeks = Span::new().try_weeks(amount / 5).map_err(beyond)?;
    at = at.checked_add(weeks).map_err(beyond)?;
    let mut left = (amount % 5).abs();
    while left > 0 {
        at = at.checked_add(day).map_err(beyond)?;
        if !weekend(&at) {
            left -= 1;
        }
    }
    Ok(at)
}

fn difference(from: &Moment, to: &Moment) -> Result<Value, ToolFailure> {
    let beyond = |_| wrong("other", "leads out of the calendar");
    let days = from.at.date().until((Unit::Day, to.at.date())).map_err(beyond)?.get_days();
    let span = from.at.date().until((Unit::Year, to.at.date())).map_err(beyond)?;
    let hours = from.at.until((Unit::Hour, to.at)).map_err(beyond)?;
    Ok(json!({
        "days": days,
        "weeks_and_days": [days / 7, days % 7],
        "years_months_days": [span.get_years(), span.get_months(), span.get_days()],
        "hours": hours.get_hours(),
        "weekdays": weekdays_between(from.at.date(), days),
    }))
}

/// Weekdays after `from` up to the day that is `days` later; negative when it is earlier.
fn weekdays_between(from: Date, days: i32) -> i32 {
    let weeks = days / 7;
    let mut count = weeks * 5;
    let start = i32::from(from.weekday().to_monday_zero_offset());
    for offset in 1..=(days % 7).abs() {
        let weekday = (start + offset * days.signum()).rem_euclid(7);
        if weekday < 5 {
            count += days.signum();
        }
    }
    count
}

fn described(moment: &Moment) -> Value {
    let week = moment.at.date().iso_week_date();
    let date = if moment.has_time { moment.at.to_string() } else { moment.at.date().to_string() };
    json!({
        "date": date,
        "weekday": weekday_name(moment.at.weekday()),
        "week": format!("{:04}-W{:02}", week.year(), week.week()),
        "day_of_year": moment.at.day_of_year(),
    })
}

const fn weekday_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}

fn wrong(field: &str, reason: &str) -> ToolFailure {
    ToolFailure::new("tool_arguments_invalid", format!("{field} {reason}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn asked(value: Value) -> Result<Value, ToolFailure> {
        compute(&serde_json::from_value(value).unwrap(), "2026-03-01T08:00:00.000Z")
    }

    #[test]
    fn dates_move_by_the_calendar() {
        for (date, amount, unit, expected) in [
            ("2026-01-31", 1, "months", "2026-02-28"),
            ("2024-02-29", 1, "years", "2025-02-28"),
            ("2026-03-01", -60, "days", "2025-12-31"),
            ("2026-03-01", 2, "weeks", "2026-03-15"),
            ("2026-03-06", 1, "weekdays", "2026-03-09"),
            ("2026-03-07", 1, "weekdays", "2026-03-09"),
            ("2026-03-07", -1, "weekdays", "2026-03-06"),
            ("2026-03-02", 10, "weekdays", "2026-03-16"),
            ("2026-03-02", 0, "weekdays", "2026-03-02"),
            ("2026-03-01T22:00:00", 3, "hours", "2026-03-02T01:00:00"),
        ] {
            let value = json!({ "operation": "add", "date": date, "amount": amount, "unit": unit });
            assert_eq!(asked(value).unwrap()["date"], expected, "{date} {amount} {unit}");
        }
    }

    #[test]
    fn weeks_are_those_of_iso_8601() {
        for (date, week, weekday) in [
            ("2021-01-03", "2020-W53", "Sunday"),
            ("2024-12-30", "2025-W01", "Monday"),
            ("2026-03-01", "2026-W09", "Sunday"),
        ] {
            let told = asked(json!({ "operation": "week", "date": date })).unwrap();
            assert_eq!((&told["week"], &told["weekday"]), (&json!(week), &json!(weekday)));
        }
    }

    #[test]
    fn differences_are_told_in_several_units() {
        let value =
            json!({ "operation": "difference", "date": "2026-03-06", "other": "2026-03-10" });
        let told = asked(value).unwrap();
        assert_eq!((&told["days"], &told["weekdays"]), (&json!(4), &json!(2)));
        let back =
            json!({ "operation": "difference", "date": "2026-03-10", "other": "2025-01-08" });
        let told = asked(back).unwrap();
        assert_eq!(told["days"], -426);
        assert_eq!(told["years_months_days"], json!([-1, -2, -2]));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (value, field) in [
            (json!({ "operation": "add" }), "date"),
            (json!({ "operation": "add", "date": "2026-02-30" }), "date"),
            (json!({ "operation": "add", "date": "2026-02-03" }), "amount"),
            (json!({ "operation": "add", "date": "2026-02-03", "amount": 1 }), "unit"),
            (
                json!({ "operation": "add", "date": "2026-02-03", "amount": 9_999_999,
                    "unit": "years" }),
                "amount",
            ),
        ] {
            assert!(asked(value).unwrap_err().detail.starts_with(field));
        }
        assert_eq!(asked(json!({ "operation": "today" })).unwrap()["date"], "2026-03-01");
    }
}
