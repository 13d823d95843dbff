//! All functions, each in a process of its own, joined by a broker.

use anyhow::Result;

use crate::{Broker, Function, Home};

/// All functions of one home, each in a process of its own, joined by a broker that delivers everything twice.
#[derive(Debug)]
pub struct Fleet {
    /// What stands between them.
    pub broker: Broker,
    /// Takes images in.
    pub ingest: Function,
    /// Asks for trainings.
    pub trigger: Function,
    /// Trains.
    pub train: Function,
    /// Judges.
    pub evaluate: Function,
    /// Releases.
    pub promote: Function,
    /// Answers.
    pub predict: Function,
}

impl Fleet {
    /// Starts all of them, and returns once each listens.
    ///
    /// # Errors
    /// Where one does not.
    pub fn start(home: &Home) -> Result<Self> {
        Self::joined_by(Broker::start()?, home)
    }

    /// The same, joined by this broker.
    ///
    /// # Errors
    /// Where one does not listen.
    pub fn joined_by(broker: Broker, home: &Home) -> Result<Self> {
        let sink = broker.url();
        let start = |name| Function::start(home, name, &[("K_SINK", &sink)]);
        let fleet = Self {
            ingest: start("ingest")?,
            trigger: start("train-trigger")?,
            train: start("train")?,
            evaluate: start("evaluate")?,
            promote: start("promote")?,
            predict: start("predict")?,
            broker,
        };
        for (kind, function) in [
            ("io.pappus.image.ingested", &fleet.trigger),
            ("io.pappus.training.requested", &fleet.train),
            ("io.pappus.model.trained", &fleet.evaluate),
            ("io.pappus.model.trained", &fleet.trigger),
            ("io.pappus.model.evaluated", &fleet.promote),
            ("io.pappus.release.changed", &fleet.predict),
        ] {
            fleet.broker.trigger(kind, function.address());
        }
        Ok(fleet)
    }

    fn functions(&self) -> [&Function; 6] {
        [&self.ingest, &self.trigger, &self.train, &self.evaluate, &self.promote, &self.predict]
    }

    /// What all of them have logged so far.
    pub fn logs(&self) -> String {
        self.functions().map(Function::log).concat()
    }

    /// Asks all of them to stop, and sees that they end as asked.
    ///
    /// # Errors
    /// Where one ends otherwise.
    pub fn stop(self) -> Result<()> {
        let Self { broker: _, ingest, trigger, train, evaluate, promote, predict } = self;
        for function in [ingest, trigger, train, evaluate, promote, predict] {
            function.stop()?;
        }
        Ok(())
    }
}
