//! Council: members with roles who first judge each for themselves, then contradict each other, and vote
//! in the end. The votes are counted here, and who was outvoted is kept with their reasons.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::RangeInclusive;

use super::council_model::{
    CouncilMember, CouncilOption, CouncilReport, Dissent, OPTIONS_MAX, Opinion, POSITION_MAX_CHARS,
    REASON_MAX_CHARS, REASONS_MAX, RawConclusion, RawOptions, RawRebuttal, RawVote, Rebuttal, Vote,
    conclusion_schema, opinion_schema, options_schema, rebuttal_schema, vote_schema,
};
use super::red_team::shortened;
use super::work::{Step, ThinkingEvents, Work, overhead_tokens};
use super::{Role, ThinkingInput, ThinkingOptions, TokenEstimate};
use crate::AgentError;
use crate::brain::{Brain, Fenced, fence};

/// How many members a council has.
pub const COUNCIL_MEMBERS: RangeInclusive<usize> = 3..=7;
/// Most rounds of rebuttal.
pub const COUNCIL_ROUNDS_MAX: u32 = 3;

const OPINION_TOKENS: u32 = 900;
const REBUTTAL_TOKENS: u32 = 1_100;
const OPTIONS_TOKENS: u32 = 900;
const VOTE_TOKENS: u32 = 300;
const CONCLUSION_TOKENS: u32 = 900;

/// How a council is put together.
#[derive(Clone, Debug, PartialEq)]
pub struct CouncilOptions {
    /// Its members, as many as [`COUNCIL_MEMBERS`] says.
    pub roles: Vec<Role>,
    /// Rounds of rebuttal, 0 to [`COUNCIL_ROUNDS_MAX`].
    pub rounds: u32,
    /// How the run is carried out.
    pub run: ThinkingOptions,
}

/// What a council costs at most.
#[must_use]
pub fn council_estimate(input: &ThinkingInput, members: usize, rounds: u32) -> TokenEstimate {
    let count = u32::try_from(members).unwrap_or(u32::MAX);
    let material = input.tokens();
    // What all members say in one round, in bytes.
    let said = members * (POSITION_MAX_CHARS + REASONS_MAX * REASON_MAX_CHARS + 80) * 2;
    let options = OPTIONS_MAX * (REASON_MAX_CHARS + 60) * 2;
    let with = |bytes: usize| material.saturating_add(overhead_tokens(1_200 + bytes));
    TokenEstimate::default()
        .and(count, with(0), OPINION_TOKENS)
        .and(count.saturating_mul(rounds), with(said), REBUTTAL_TOKENS)
        .and(1, with(said), OPTIONS_TOKENS)
        .and(count, with(said + options), VOTE_TOKENS)
        .and(1, with(said + options), CONCLUSION_TOKENS)
}

/// Has a council judge a question or a draft.
///
/// When budget or time end, what was said until then is given back, and [`CouncilReport::completeness`]
/// says so.
///
/// # Errors
/// [`AgentError::Invalid`]; [`AgentError::RunBudgetExhausted`] or [`AgentError::TimeIsUp`] before anybody
/// had an opinion; the store's own.
pub async fn council(
    brain: &Brain<'_>,
    input: &ThinkingInput,
    options: &CouncilOptions,
    events: Option<&ThinkingEvents>,
) -> Result<CouncilReport, AgentError> {
    check(options)?;
    let work = Work::new(brain, input, options.run, events)?;
    let mut council = Council { work, members: Vec::new(), options: Vec::new() };
    council.opinions(&options.roles).await?;
    for round in 1..=options.rounds {
        council.rebut(round).await?;
    }
    council.find_options().await?;
    council.vote().await?;
    let decision = council.decision();
    let conclusion = council.conclude(decision).await?;
    let Council { work, members, options } = council;
    let (completeness, records, cost) = work.finish()?;
    let members: Vec<CouncilMember> = members.into_iter().map(|(_, member)| member).collect();
    let votes = decision.map_or(0, |number| options[number - 1].votes);
    Ok(CouncilReport {
        dissent: dissent(&members, decision),
        majority: votes as usize * 2 > members.len(),
        members,
        options,
        decision,
        conclusion,
        completeness,
        cost,
        label: input.label(),
        records,
    })
}

fn check(options: &CouncilOptions) -> Result<(), AgentError> {
    let count = options.roles.len();
    if !COUNCIL_MEMBERS.contains(&count) {
        let (least, most) = (COUNCIL_MEMBERS.start(), COUNCIL_MEMBERS.end());
        let reason = format!("must be {least} to {most}, not {count}");
        return Err(AgentError::invalid("members", reason));
    }
    if options.rounds > COUNCIL_ROUNDS_MAX {
        let reason = format!("must be at most {COUNCIL_ROUNDS_MAX}");
        return Err(AgentError::invalid("rounds", reason));
    }
    Ok(())
}

struct Council<'a> {
    work: Work<'a>,
    /// With what each stands for.
    members: Vec<(Role, CouncilMember)>,
    options: Vec<CouncilOption>,
}

impl Council<'_> {
    /// Each by itself: nobody sees what another one says.
    async fn opinions(&mut self, roles: &[Role]) -> Result<(), AgentError> {
        let schema = opinion_schema();
        let steps: Vec<_> = roles
            .iter()
            .map(|role| {
                self.work.step::<Opinion>(Step {
                    name: format!("council.opinion.{}", role.name),
                    task: format!(
                        "You are a member of a council. {} Judge the request, and the draft if there \
                         is one: your position, at most {REASONS_MAX} reasons, what you would need to \
                         know, and how sure you are in percent.",
                        role.stands_for
                    ),
                    schema: &schema,
                    max_tokens: OPINION_TOKENS,
                    temperature: 0.7,
                })
            })
            .collect();
        let opinions = self.work.side_by_side(steps).await?;
        for (role, opinion) in roles.iter().zip(opinions) {
            let Some(opinion) = opinion else { continue };
            let member = CouncilMember {
                role: role.name.clone(),
                opinion: bounded(&opinion),
                rebuttals: Vec::new(),
                vote: None,
            };
            self.members.push((role.clone(), member));
        }
        Ok(())
    }

    /// One round: all at once, each seeing what all held before it.
    async fn rebut(&mut self, round: u32) -> Result<(), AgentError> {
        let schema = rebuttal_schema();
        let said = self.said();
        let steps: Vec<_> = self
            .members
            .iter()
            .map(|(role, member)| {
                self.work.step::<RawRebuttal>(Step {
                    name: format!("council.rebuttal.{round}.{}", role.name),
                    task: format!(
                        "{said}\nYou are the member {:?}. {} Say what is wrong or missing in the \
                         positions of the others, and grant what is right; at most {REASONS_MAX} \
                         points, naming whom you mean. Then your position: change it only for a better \
                         reason, and say whether it changed.",
                        member.role, role.stands_for
                    ),
                    schema: &schema,
                    max_tokens: REBUTTAL_TOKENS,
                    temperature: 0.7,
                })
            })
            .collect();
        let rebuttals = self.work.side_by_side(steps).await?;
        for ((_, member), raw) in self.members.iter_mut().zip(rebuttals) {
            let Some(raw) = raw else { continue };
            let points = raw.points.iter().take(REASONS_MAX);
            member.rebuttals.push(Rebuttal {
                round,
                points: points.map(|point| shortened(point, REASON_MAX_CHARS)).collect(),
                position: shortened(&raw.position, POSITION_MAX_CHARS),
                changed: raw.changed,
                confidence: raw.confidence.min(100),
            });
        }
        Ok(())
    }

    async fn find_options(&mut self) -> Result<(), AgentError> {
        if self.members.is_empty() {
            return Ok(());
        }
        let schema = options_schema();
        let step = Step {
            name: "council.options".to_owned(),
            task: format!(
                "{}\nWrite down the options that these positions come to, so that members can vote: 2 \
                 to {OPTIONS_MAX}, each in one sentence, none of them a mixture of the others. When all \
                 hold the same, this is the one option.",
                self.said()
            ),
            schema: &schema,
            max_tokens: OPTIONS_TOKENS,
            temperature: 0.0,
        };
        let raw = self.work.step::<RawOptions>(step).await?;
        let texts = raw.map(|raw| raw.options).unwrap_or_default();
        let texts = texts.iter().filter(|text| !text.trim().is_empty()).take(OPTIONS_MAX);
        self.options = (1..)
            .zip(texts)
            .map(|(number, text)| CouncilOption {
                number,
                text: shortened(text, REASON_MAX_CHARS),
                votes: 0,
            })
            .collect();
        Ok(())
    }

    async fn vote(&mut self) -> Result<(), AgentError> {
        if self.options.is_empty() {
            return Ok(());
        }
        let schema = vote_schema(self.options.len());
        let (said, options) = (self.said(), self.options_text());
        let steps: Vec<_> = self
            .members
            .iter()
            .map(|(role, member)| {
                self.work.step::<RawVote>(Step {
                    name: format!("council.vote.{}", role.name),
                    task: format!(
                        "{said}\n{options}\nYou are the member {:?}. {} Vote for one of the options by \
                         its number, with your reason.",
                        member.role, role.stands_for
                    ),
                    schema: &schema,
                    max_tokens: VOTE_TOKENS,
                    temperature: 0.0,
                })
            })
            .collect();
        let votes = self.work.side_by_side(steps).await?;
        for ((_, member), raw) in self.members.iter_mut().zip(votes) {
            let Some(raw) = raw else { continue };
            // A vote for nothing that is there is none.
            let Some(option) = self.options.iter_mut().find(|o| o.number == raw.option) else {
                continue;
            };
            option.votes += 1;
            let reason = shortened(&raw.reason, REASON_MAX_CHARS);
            member.vote = Some(Vote { option: raw.option, reason });
        }
        Ok(())
    }

    /// The option with most votes; of equally many the one whose voters are surer, `None` when they are
    /// equally sure too.
    fn decision(&self) -> Option<usize> {
        let mut weight: BTreeMap<usize, (u32, u32)> = BTreeMap::new();
        for (_, member) in &self.members {
            if let Some(vote) = &member.vote {
                let (votes, sure) = weight.entry(vote.option).or_default();
                *votes += 1;
                *sure += confidence(member);
            }
        }
        let best = weight.values().max().copied()?;
        let mut leading = weight.iter().filter(|(_, of)| **of == best).map(|(number, _)| *number);
        let first = leading.next()?;
        if leading.next().is_some() { None } else { Some(first) }
    }

    async fn conclude(&self, decision: Option<usize>) -> Result<Option<String>, AgentError> {
        if self.members.iter().all(|(_, member)| member.vote.is_none()) {
            return Ok(None);
        }
        let schema = conclusion_schema();
        let outcome = match decision {
            Some(number) => format!("The council has decided for option {number}."),
            None => "The vote was a tie: there is no decision.".to_owned(),
        };
        let step = Step {
            name: "council.conclusion".to_owned(),
            task: format!(
                "{}\n{}\n{outcome} Write the council's answer to the request in a few sentences: what \
                 was decided and why, under which conditions, and what those who were outvoted warn of.",
                self.said(),
                self.options_text()
            ),
            schema: &schema,
            max_tokens: CONCLUSION_TOKENS,
            temperature: 0.0,
        };
        let raw = self.work.step::<RawConclusion>(step).await?;
        Ok(raw.map(|raw| shortened(&raw.conclusion, 1_500)))
    }

    /// What each member holds at this moment, fenced.
    fn said(&self) -> String {
        let mut text = String::new();
        for (number, (_, member)) in (1..).zip(&self.members) {
            let mut held = format!("{}: {}", member.role, position(member));
            for reason in &member.opinion.reasons {
                let _ = write!(held, "\n- {reason}");
            }
            if let Some(last) = member.rebuttals.last() {
                for point in &last.points {
                    let _ = write!(held, "\n- {point}");
                }
            }
            let _ = writeln!(text, "{}\n", fence(Fenced::Opinion, number, &held));
        }
        text
    }

    fn options_text(&self) -> String {
        let mut text = String::new();
        for (number, option) in (1..).zip(&self.options) {
            let line = format!("option {}: {}", option.number, option.text);
            let _ = writeln!(text, "{}\n", fence(Fenced::Opinion, number, &line));
        }
        text
    }
}

/// What a member holds in the end.
fn position(member: &CouncilMember) -> &str {
    member.rebuttals.last().map_or(&member.opinion.position, |last| &last.position)
}

fn confidence(member: &CouncilMember) -> u32 {
    member.rebuttals.last().map_or(member.opinion.confidence, |last| last.confidence)
}

fn dissent(members: &[CouncilMember], decision: Option<usize>) -> Vec<Dissent> {
    let Some(decision) = decision else { return Vec::new() };
    let outvoted = members.iter().filter_map(|member| {
        let vote = member.vote.as_ref().filter(|vote| vote.option != decision)?;
        Some(Dissent {
            role: member.role.clone(),
            option: vote.option,
            reason: vote.reason.clone(),
            position: position(member).to_owned(),
        })
    });
    outvoted.collect()
}

/// An opinion within its limits, whoever gave it.
fn bounded(opinion: &Opinion) -> Opinion {
    let few = |texts: &[String]| {
        texts.iter().take(REASONS_MAX).map(|t| shortened(t, REASON_MAX_CHARS)).collect()
    };
    Opinion {
        position: shortened(&opinion.position, POSITION_MAX_CHARS),
        reasons: few(&opinion.reasons),
        unknowns: few(&opinion.unknowns),
        confidence: opinion.confidence.min(100),
    }
}
