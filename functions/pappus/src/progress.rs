//! Progress bars on standard error, where a person watches; nothing elsewhere.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pappus_train::{Progress, Step};

use crate::output::{Output, percent};

/// A bar over `total` things.
pub(crate) fn bar(output: Output, what: &str, total: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), target(output));
    let style = ProgressStyle::with_template("{msg:<32} {bar:32} {human_pos}/{human_len} {per_sec} {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(what.to_owned());
    bar
}

/// A count of things that nobody has counted before.
pub(crate) fn counter(output: Output, what: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, target(output)).with_message(what.to_owned());
    let style = ProgressStyle::with_template("{msg:<32} {human_pos} {per_sec}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar
}

fn target(output: Output) -> ProgressDrawTarget {
    if output.is_json() { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() }
}

/// Shows the steps of a training, each as a bar or a spinner, and says how each candidate did.
pub(crate) fn training(output: Output) -> Progress {
    let shown: Mutex<ProgressBar> = Mutex::new(ProgressBar::hidden());
    Arc::new(move |step| {
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        match step {
            Step::Extracting { done, total, .. } | Step::Validating { done, total, .. } => {
                let what = step.to_string();
                if shown.message() != what {
                    shown.finish_and_clear();
                    *shown = bar(output, &what, total);
                }
                shown.set_position(done.max(shown.position()));
            }
            Step::Validated { candidate, accuracy, .. } => {
                shown.finish_and_clear();
                *shown = ProgressBar::hidden();
                // What hinders printing ends the command when it prints its result.
                let _ = output.say(format!("  {candidate}: {} cross-validated", percent(accuracy)));
            }
            other => {
                shown.finish_and_clear();
                *shown = spinner(output, &other.to_string());
            }
        }
    })
}

fn spinner(output: Output, what: &str) -> ProgressBar {
    let spinner = ProgressBar::with_draw_target(None, target(output)).with_message(what.to_owned());
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}
