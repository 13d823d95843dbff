//! When a training is worth its while.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::decision::{Decision, Hindrance, Reason};
use super::facts::{Cause, Facts, MeanConfidence};

/// The most answers that an accuracy, or a mean confidence, is of.
pub const ANSWERS: u64 = 1000;
const YEAR_HOURS: u64 = 365 * 24;

/// How often to train by the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Once in 24 hours.
    Daily,
    /// Once in seven days.
    Weekly,
}

impl Schedule {
    const fn period(self) -> SignedDuration {
        match self {
            Self::Daily => SignedDuration::from_hours(24),
            Self::Weekly => SignedDuration::from_hours(7 * 24),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
        })
    }
}

/// When a training is worth its while. A policy that is only partly written down has the defaults for the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Labelled images that nothing was learned from, of which so many are enough.
    pub new_images: u64,
    /// Or such a share of those that were learned from, 0 to 1; 0 where no share is enough.
    pub new_share: f64,
    /// The least number of such images for which another training is worth its while for any other reason: of the same
    /// images it would make the same model.
    pub least_new_images: u64,
    /// The least accuracy on answers whose true label is known: a training is worth its while where the whole 95 %
    /// interval is below.
    pub live_accuracy: f64,
    /// The least number of answers that such an accuracy says something of: of one wrong answer the interval is below too.
    pub live_accuracy_answers: u64,
    /// The least mean confidence.
    pub confidence: f64,
    /// The least number of answers that a mean confidence says something of.
    pub confidence_answers: u64,
    /// The greatest drift.
    pub drift: f64,
    /// The hours before now of which the answers count.
    pub window_hours: u32,
    /// How often to train by the clock where there is anything new; not at all where nothing is said.
    pub schedule: Option<Schedule>,
    /// Whether an alert is a reason.
    pub alerts: bool,
    /// The least minutes between two trainings once a model is released.
    pub cool_down_minutes: u32,
    /// The most trainings within 24 hours.
    pub daily_maximum: u32,
    /// The days that a decision is kept for, the run that it began aside.
    pub decisions_days: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            new_images: 50,
            new_share: 0.0,
            least_new_images: 10,
            live_accuracy: 0.85,
            live_accuracy_answers: 30,
            confidence: 0.85,
            confidence_answers: 200,
            drift: 0.25,
            window_hours: 7 * 24,
            schedule: None,
            alerts: true,
            cool_down_minutes: 30,
            daily_maximum: 24,
            decisions_days: 90,
        }
    }
}

/// A bound that no facts can keep, or that means nothing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("`{key}` is {value}: it may be {allowed}")]
pub struct BadPolicy {
    key: &'static str,
    value: f64,
    allowed: &'static str,
}

impl Policy {
    /// Looks whether its bounds can be meant.
    ///
    /// # Errors
    /// [`BadPolicy`] for the first that cannot.
    pub fn check(&self) -> Result<(), BadPolicy> {
        let shares =
            [("new_share", self.new_share), ("live_accuracy", self.live_accuracy), ("confidence", self.confidence)];
        for (key, value) in shares {
            if !(0.0..1.0).contains(&value) {
                return Err(BadPolicy { key, value, allowed: "a share from 0 (never a reason) to less than 1" });
            }
        }
        if !self.drift.is_finite() || self.drift < 0.0 {
            return Err(BadPolicy { key: "drift", value: self.drift, allowed: "0 or more" });
        }
        let counts = [
            ("new_images", self.new_images, u64::MAX, "1 or more"),
            ("least_new_images", self.least_new_images, u64::MAX, "1 or more"),
            ("live_accuracy_answers", self.live_accuracy_answers, ANSWERS, "1 to 1000, as many as are looked at"),
            ("confidence_answers", self.confidence_answers, ANSWERS, "1 to 1000, as many as are looked at"),
            ("window_hours", self.window_hours.into(), 10 * YEAR_HOURS, "1 to 87600, which is ten years"),
            ("daily_maximum", self.daily_maximum.into(), 1000, "1 to 1000"),
            ("decisions_days", self.decisions_days.into(), 3650, "1 to 3650, which is ten years"),
        ];
        for (key, value, most, allowed) in counts {
            if !(1..=most).contains(&value) {
                return Err(BadPolicy { key, value: value as f64, allowed });
            }
        }
        Ok(())
    }

    /// Since when what was answered counts.
    pub fn window(&self, now: Timestamp) -> Timestamp {
        ago(now, SignedDuration::from_hours(i64::from(self.window_hours)))
    }

    /// Before when decisions are forgotten.
    pub fn forgotten(&self, now: Timestamp) -> Timestamp {
        ago(now, SignedDuration::from_hours(24 * i64::from(self.decisions_days)))
    }

    /// Decides.
    pub fn decide(&self, facts: &Facts, cause: &Cause) -> Decision {
        let reasons = self.reasons(facts, cause);
        // Whoever asks by hand knows why, and does not ask all the time.
        let is_by_hand = matches!(cause, Cause::Operator { .. });
        let hindrance = if reasons.is_empty() || is_by_hand { None } else { self.hindrance(facts) };
        Decision { reasons, hindrance, summary: self.summary(facts) }
    }

    /// The least number of new images that is a reason.
    fn enough(&self, used: u64) -> u64 {
        if self.new_share == 0.0 || used == 0 {
            return self.new_images;
        }
        // At least one: a share of few images rounds to none.
        let share = (self.new_share * used as f64).ceil().max(1.0) as u64;
        self.new_images.min(share)
    }

    fn reasons(&self, facts: &Facts, cause: &Cause) -> Vec<Reason> {
        let (count, wanted) = (facts.new_images(), self.enough(facts.used_images.unwrap_or(0)));
        let mut reasons = Vec::new();
        if count >= wanted {
            reasons.push(Reason::NewImages { count, wanted });
        }
        if let Some(accuracy) = facts.live_accuracy
            && accuracy.of >= self.live_accuracy_answers
            && accuracy.high < self.live_accuracy
        {
            reasons.push(Reason::LiveAccuracy { accuracy, wanted: self.live_accuracy });
        }
        if let Some(MeanConfidence { mean, of }) = facts.confidence
            && of >= self.confidence_answers
            && mean < self.confidence
        {
            reasons.push(Reason::Confidence { mean, of, wanted: self.confidence });
        }
        if let Some(score) = facts.drift.filter(|score| *score > self.drift) {
            reasons.push(Reason::Drift { score, allowed: self.drift });
        }
        if let Some(every) = self.schedule.filter(|every| *cause == Cause::Schedule && is_due(*every, facts)) {
            reasons.push(Reason::Schedule { every });
        }
        if let Cause::Alert { name } = cause
            && self.alerts
        {
            reasons.push(Reason::Alert { name: name.clone() });
        }
        if let Cause::Operator { reason } = cause {
            reasons.push(Reason::Operator { why: reason.clone() });
        }
        reasons
    }

    fn hindrance(&self, facts: &Facts) -> Option<Hindrance> {
        let (count, enough) = (facts.new_images(), self.enough(facts.used_images.unwrap_or(0)));
        let wanted = self.least_new_images.min(enough);
        if count < wanted {
            return Some(Hindrance::FewNewImages { count, wanted });
        }
        if facts.requests_last_day >= self.daily_maximum {
            return Some(Hindrance::DailyMaximum { most: self.daily_maximum });
        }
        let cool_down = SignedDuration::from_mins(i64::from(self.cool_down_minutes));
        // Until there is a model to fall back on, every new image may be what was missing.
        let last = facts.last_request.filter(|_| facts.has_champion)?;
        // A cool-down may be meant to last for ever.
        let until = last.checked_add(cool_down).unwrap_or(Timestamp::MAX);
        (facts.at < until).then_some(Hindrance::CoolDown { until })
    }

    fn summary(&self, facts: &Facts) -> String {
        let wanted = self.enough(facts.used_images.unwrap_or(0));
        let since = if facts.used_images.is_some() { "since the last data set" } else { "and no model yet" };
        let mut parts = vec![format!(
            "{} new labelled images {since} (of {}; the policy wants {wanted})",
            facts.new_images(),
            facts.labelled_images
        )];
        if let Some(accuracy) = facts.live_accuracy.filter(|accuracy| accuracy.of > 0) {
            parts.push(format!("{:.1} % of {} answers right", 100.0 * accuracy.value, accuracy.of));
        }
        if let Some(MeanConfidence { mean, of }) = facts.confidence.filter(|confidence| confidence.of > 0) {
            parts.push(format!("mean confidence {mean:.3} of {of}"));
        }
        if let Some(score) = facts.drift {
            parts.push(format!("drift {score:.3}"));
        }
        parts.join(", ")
    }
}

/// Whether a period has gone by since the last training, and there is anything new to learn.
fn is_due(every: Schedule, facts: &Facts) -> bool {
    let waited = facts.last_request.is_none_or(|last| facts.at.duration_since(last) >= every.period());
    waited && facts.new_images() > 0
}

fn ago(now: Timestamp, time: SignedDuration) -> Timestamp {
    now.checked_sub(time).unwrap_or(Timestamp::MIN)
}
