//! The answer on the next deployment, against every order in which tasks can stop and start.

use std::collections::{BTreeSet, VecDeque};

use ecs_network_audit::placement::rolling::Rolling;
use ecs_network_audit::placement::rollout::{Answer, Next};
use ecs_network_audit::placement::room::{Demand, Distinct, Host, Resource, Room, fitting};
use proptest::prelude::*;

/// Old and new tasks on each instance.
type State = Vec<(u32, u32)>;

/// Everything that is reachable by single starts and stops: whether a new task can start, and whether all can be replaced.
fn explore(next: &Next<'_>) -> (bool, bool) {
    let start: State = next.hosts.iter().map(|host| (host.old, 0)).collect();
    let (mut seen, mut queue) = (BTreeSet::from([start.clone()]), VecDeque::from([start]));
    let (mut starts, mut completes) = (false, false);
    while let Some(state) = queue.pop_front() {
        let (old, new) = state.iter().fold((0, 0), |(old, new), (o, n)| (old + o, new + n));
        starts |= new > 0;
        completes |= old == 0 && new == next.rolling.desired;
        for (index, host) in next.hosts.iter().enumerate() {
            let (here_old, here_new) = state[index];
            let mut moves = Vec::new();
            let fits = fitting(host, host.old - here_old, next.old, next.new, next.distinct, None);
            if old + new < next.rolling.ceiling && new < next.rolling.desired && here_new < fits {
                moves.push((here_old, here_new + 1));
            }
            if here_old > 0 && old + new > next.rolling.floor {
                moves.push((here_old - 1, here_new));
            }
            for moved in moves {
                let mut other = state.clone();
                other[index] = moved;
                if seen.insert(other.clone()) {
                    queue.push_back(other);
                }
            }
        }
    }
    (starts, completes)
}

fn demand() -> impl Strategy<Value = Demand> {
    (1..4_i64, 1..4_i64, 0..2_u32, prop::bool::weighted(0.3), prop::bool::weighted(0.2)).prop_map(
        |(cpu_units, memory_mib, slots, port, distinct)| Demand {
            cpu_units,
            memory_mib,
            gpus: 0,
            ports: if port { [80].into() } else { BTreeSet::new() },
            ports_udp: BTreeSet::new(),
            slots,
            distinct,
        },
    )
}

const TAKEN: &[u16] = &[22, 80];
const FREE: &[u16] = &[22];

fn host() -> impl Strategy<Value = Host<'static>> {
    (0..5_i64, 0..5_i64, 0..3_u32, prop::bool::weighted(0.2), 0..3_u32).prop_map(
        |(cpu_units, memory_mib, slots, taken, old)| Host {
            room: Room {
                cpu_units,
                memory_mib,
                gpus: 0,
                taken_ports: if taken { TAKEN } else { FREE },
                taken_ports_udp: &[],
                slots,
            },
            old,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn cannot_and_fits_are_proofs(
        mut hosts in prop::collection::vec(host(), 1..=5),
        old in demand(),
        new in demand(),
        same in any::<bool>(),
        min in prop::sample::select(vec![0_u32, 50, 75, 100]),
        max in prop::sample::select(vec![100_u32, 125, 150, 200]),
        new_only in any::<bool>(),
    ) {
        let new = if same { old.clone() } else { new };
        let mut left = 6;
        for host in &mut hosts {
            // A task with a static port, or one that keeps apart, runs once on an instance.
            host.old = host.old.min(left).min(if old.is_alone() { 1 } else { u32::MAX });
            left -= host.old;
        }
        let running: u32 = hosts.iter().map(|host| host.old).sum();
        let desired = running.max(1);
        let next = Next {
            hosts: &hosts,
            old: &old,
            new: &new,
            rolling: Rolling::of(desired, min, max),
            running,
            distinct: if new_only { Distinct::NewOnly } else { Distinct::OldAndNew },
        };
        let (starts, completes) = explore(&next);
        match next.answer(None) {
            Answer::Cannot => prop_assert!(!starts, "a task can start: {next:?}"),
            Answer::Starts => prop_assert!(starts, "none can start: {next:?}"),
            Answer::Fits { batches } => {
                prop_assert!(completes, "not all fit: {next:?}");
                prop_assert!(batches >= 1);
            }
        }
        if same {
            // Tasks that are replaced by equal ones never end up in between.
            prop_assert_eq!(next.answer(None) != Answer::Cannot, starts);
        }
        prop_assert!(next.answer(Some(Resource::Slots)) <= next.answer(None) || next.answer(None) != Answer::Cannot);
    }
}

fn hosts(free_slots: &[u32], old: u32) -> Vec<Host<'static>> {
    let room = |slots| Room { cpu_units: 4096, memory_mib: 8192, slots, ..Room::default() };
    free_slots.iter().map(|slots| Host { room: room(*slots), old }).collect()
}

fn awsvpc() -> Demand {
    Demand { cpu_units: 256, memory_mib: 512, slots: 1, ..Demand::default() }
}

fn answer(hosts: &[Host<'_>], task: &Demand, desired: u32, min: u32, max: u32, ignoring: Option<Resource>) -> Answer {
    let running = hosts.iter().map(|host| host.old).sum();
    let rolling = Rolling::of(desired, min, max);
    Next { hosts, old: task, new: task, rolling, running, distinct: Distinct::OldAndNew }.answer(ignoring)
}

#[test]
fn full_slots_stop_a_deployment_that_may_not_stop_a_task_first() {
    let full = hosts(&[0, 0], 2);
    assert_eq!(answer(&full, &awsvpc(), 4, 100, 200, None), Answer::Cannot);
    assert_eq!(answer(&full, &awsvpc(), 4, 100, 200, Some(Resource::Slots)), Answer::Fits { batches: 2 });
    assert_eq!(answer(&full, &awsvpc(), 4, 50, 200, None), Answer::Fits { batches: 2 });
    assert_eq!(answer(&hosts(&[1, 0], 2), &awsvpc(), 4, 100, 200, None), Answer::Fits { batches: 5 });
}

#[test]
fn a_static_port_needs_one_spare_instance() {
    let web = Demand { ports: [80].into(), ..Demand::default() };
    let busy = || Host { room: Room { taken_ports: TAKEN, ..Room::default() }, old: 1 };
    let mut all = vec![busy(), busy(), busy()];
    assert_eq!(answer(&all, &web, 3, 100, 200, None), Answer::Cannot);
    assert_eq!(answer(&all, &web, 3, 100, 200, Some(Resource::Ports)), Answer::Fits { batches: 2 });
    all.push(Host { room: Room { taken_ports: FREE, ..Room::default() }, old: 0 });
    assert!(matches!(answer(&all, &web, 3, 100, 200, None), Answer::Fits { .. }));
    assert!(matches!(answer(&all[..3], &web, 3, 0, 100, None), Answer::Fits { .. }));
}
