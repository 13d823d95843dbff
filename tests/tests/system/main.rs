//! The program as a whole, from bad input to `kill -9`.

mod crashing;
mod damage;
mod disk_full;
mod ingesting;
mod interrupting;
mod migrating;
mod notifying;
mod plots;
mod refusing;
mod retraining;
mod rude_clients;
mod scripts;
mod serving;
mod settings;
mod stopping;
mod the_loop;
mod tracking;
mod training;
