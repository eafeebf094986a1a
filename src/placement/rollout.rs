//! Whether the next deployment of a service can move on the instances it may use, and in how many batches.
//!
//! "Cannot" is proved: no choice of tasks to stop makes room for a first new one. "Fits" comes with a way to do it. What
//! is left between the two (a deployment that starts and may run out of room) is neither.

use super::rolling::Rolling;
use super::room::{Demand, Distinct, Host, Resource, fitting, total};

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// Every task can be replaced, so many at a time.
    Fits {
        /// Rounds of stopping and starting.
        batches: u32,
    },
    /// Some can be replaced; that all can is not proved.
    Starts,
    /// Not a single new task can start.
    Cannot,
}

/// A service about to be deployed.
#[derive(Clone, Debug)]
pub struct Next<'a> {
    /// The instances that it may use.
    pub hosts: &'a [Host<'a>],
    /// What each old task takes.
    pub old: &'a Demand,
    /// What each new task takes.
    pub new: &'a Demand,
    /// The limits.
    pub rolling: Rolling,
    /// Tasks that run now, those on other instances included.
    pub running: u32,
    /// Whom `distinctInstance` counts.
    pub distinct: Distinct,
}

impl Next<'_> {
    /// Whether it moves.
    pub fn answer(&self, ignoring: Option<Resource>) -> Answer {
        if self.rolling.desired == 0 {
            return Answer::Fits { batches: 0 };
        }
        if !self.can_start(ignoring) {
            return Answer::Cannot;
        }
        match self.batches(ignoring) {
            Some(batches) => Answer::Fits { batches },
            None => Answer::Starts,
        }
    }

    /// New tasks that start at once, before any old one stops.
    pub fn at_once(&self, ignoring: Option<Resource>) -> u32 {
        let room = self.hosts.iter().map(|host| u64::from(self.fits(host, 0, ignoring))).sum::<u64>();
        let room = u32::try_from(room).unwrap_or(u32::MAX);
        self.rolling.may_start(self.running).min(room).min(self.rolling.desired)
    }

    fn fits(&self, host: &Host<'_>, stopped: u32, ignoring: Option<Resource>) -> u32 {
        fitting(host, stopped, self.old, self.new, self.distinct, ignoring)
    }

    /// A first new task needs one instance that has room after as many stops as the floor allows.
    fn can_start(&self, ignoring: Option<Resource>) -> bool {
        let stops = self.rolling.may_stop(self.running);
        let here = total(self.hosts.iter().map(|host| host.old));
        let elsewhere = self.running.saturating_sub(here);
        self.hosts.iter().any(|host| {
            let beside = here.saturating_sub(host.old);
            (0..=stops.min(host.old)).any(|stopped| {
                // The ceiling counts what still runs; tasks elsewhere can stop for it as well.
                let spare = (stops - stopped).min(elsewhere.saturating_add(beside));
                let left = self.running - stopped - spare;
                self.rolling.may_start(left) > 0 && self.fits(host, stopped, ignoring) > 0
            })
        })
    }

    /// Plays the deployment with good choices: start what fits, then stop where that makes most room. `None` when that
    /// way ends before the last task is replaced.
    fn batches(&self, ignoring: Option<Resource>) -> Option<u32> {
        let mut stopped = vec![0_u32; self.hosts.len()];
        let mut placed = vec![0_u32; self.hosts.len()];
        let mut elsewhere = self.running.saturating_sub(total(self.hosts.iter().map(|host| host.old)));
        let (mut old, mut new) = (self.running, 0_u32);
        let mut batches = 0;
        while new < self.rolling.desired || old > 0 {
            let before = (old, new);
            let mut budget = self.rolling.may_stop(old + new);
            // Tasks beyond the desired count, and those where nothing new may go, leave without making room.
            let gone = budget.min(elsewhere);
            (elsewhere, old, budget) = (elsewhere - gone, old - gone, budget - gone);
            while budget > 0 && old > 0 {
                let wanted = self.rolling.desired - new;
                let Some((host, count)) = self.best_stop(&stopped, &placed, budget, wanted, ignoring) else { break };
                stopped[host] += count;
                (old, budget) = (old - count, budget - count);
            }
            let mut starts = self.rolling.may_start(old + new).min(self.rolling.desired - new);
            for (index, host) in self.hosts.iter().enumerate() {
                let free = self.fits(host, stopped[index], ignoring).saturating_sub(placed[index]).min(starts);
                placed[index] += free;
                (new, starts) = (new + free, starts - free);
            }
            if (old, new) == before {
                return None;
            }
            batches += 1;
        }
        Some(batches)
    }

    /// The instance where stopping makes the most new room for each task stopped; any, where no more room is wanted.
    fn best_stop(
        &self,
        stopped: &[u32],
        placed: &[u32],
        budget: u32,
        wanted: u32,
        ignoring: Option<Resource>,
    ) -> Option<(usize, u32)> {
        let mut best: Option<(usize, u32, u32)> = None;
        for (index, host) in self.hosts.iter().enumerate() {
            let left = host.old - stopped[index];
            let now = self.fits(host, stopped[index], ignoring).max(placed[index]);
            for count in 1..=left.min(budget) {
                let gain = self.fits(host, stopped[index] + count, ignoring).saturating_sub(now).min(wanted.max(1));
                let better = best.is_none_or(|(_, known, known_gain)| {
                    u64::from(gain) * u64::from(known) > u64::from(known_gain) * u64::from(count)
                });
                if better {
                    best = Some((index, count, gain));
                }
                if gain >= wanted.max(1) {
                    break;
                }
            }
        }
        best.map(|(index, count, _)| (index, count))
    }
}
