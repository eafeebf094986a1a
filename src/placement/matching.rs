//! How many of the wanted tasks find an instance of their own, when each may use only some of them and no two may share.

use std::collections::{BTreeMap, VecDeque};

/// The most tasks that can be placed at once: `wants[i]` tasks of kind `i`, each on one of the instances `may_use[i]`,
/// one task on an instance.
pub fn placeable(wants: &[u32], may_use: &[Vec<usize>]) -> u32 {
    // Instances that the same kinds may use are alike: what matters is how many there are.
    let mut kinds_of: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (kind, instances) in may_use.iter().enumerate() {
        for instance in instances {
            kinds_of.entry(*instance).or_default().push(kind);
        }
    }
    let mut alike: BTreeMap<Vec<usize>, u32> = BTreeMap::new();
    for kinds in kinds_of.into_values() {
        *alike.entry(kinds).or_default() += 1;
    }
    let groups: Vec<(Vec<usize>, u32)> = alike.into_iter().collect();
    let mut flow = Flow { placed: vec![vec![0; groups.len()]; wants.len()], groups: &groups };
    let mut total = 0;
    for (kind, want) in wants.iter().enumerate() {
        let mut left = *want;
        while left > 0 {
            let moved = flow.augment(kind, left);
            if moved == 0 {
                break;
            }
            (left, total) = (left - moved, total + moved);
        }
    }
    total
}

struct Flow<'a> {
    /// By kind and group of instances.
    placed: Vec<Vec<u32>>,
    groups: &'a [(Vec<usize>, u32)],
}

impl Flow<'_> {
    /// Finds room for tasks of a kind, moving others aside; how many were placed.
    fn augment(&mut self, start: usize, most: u32) -> u32 {
        // From which group each kind is moved, and by which kind each group was found.
        let mut found_by: Vec<Option<usize>> = vec![None; self.groups.len()];
        let mut moved_from: Vec<Option<usize>> = vec![None; self.placed.len()];
        let mut seen = vec![false; self.placed.len()];
        let mut queue = VecDeque::from([start]);
        seen[start] = true;
        while let Some(kind) = queue.pop_front() {
            for (group, (kinds, size)) in self.groups.iter().enumerate() {
                if found_by[group].is_some() || !kinds.contains(&kind) {
                    continue;
                }
                found_by[group] = Some(kind);
                let used: u32 = self.placed.iter().map(|row| row[group]).sum();
                if used < *size {
                    return self.apply(start, group, (size - used).min(most), &found_by, &moved_from);
                }
                for other in 0..self.placed.len() {
                    if !seen[other] && self.placed[other][group] > 0 {
                        seen[other] = true;
                        moved_from[other] = Some(group);
                        queue.push_back(other);
                    }
                }
            }
        }
        0
    }

    fn apply(
        &mut self,
        start: usize,
        end: usize,
        room: u32,
        found_by: &[Option<usize>],
        moved_from: &[Option<usize>],
    ) -> u32 {
        let mut steps = Vec::new();
        let (mut group, mut amount) = (end, room);
        loop {
            let Some(kind) = found_by[group] else { return 0 };
            let from = if kind == start { None } else { moved_from[kind] };
            steps.push((kind, group, from));
            match from {
                Some(before) => {
                    amount = amount.min(self.placed[kind][before]);
                    group = before;
                }
                None => break,
            }
        }
        for (kind, group, from) in steps {
            self.placed[kind][group] += amount;
            if let Some(before) = from {
                self.placed[kind][before] -= amount;
            }
        }
        amount
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every assignment, one task after the other.
    fn by_trying(wants: &[u32], may_use: &[Vec<usize>], kind: usize, placed: u32, used: &mut Vec<bool>) -> u32 {
        if kind == wants.len() {
            return 0;
        }
        if placed == wants[kind] {
            return by_trying(wants, may_use, kind + 1, 0, used);
        }
        let mut best = by_trying(wants, may_use, kind + 1, 0, used);
        for instance in &may_use[kind] {
            if !used[*instance] {
                used[*instance] = true;
                best = best.max(1 + by_trying(wants, may_use, kind, placed + 1, used));
                used[*instance] = false;
            }
        }
        best
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

        #[test]
        fn it_is_the_most_that_any_assignment_reaches(
            kinds in prop::collection::vec((0..3_u32, prop::collection::btree_set(0..4_usize, 0..4)), 1..4),
        ) {
            let wants: Vec<u32> = kinds.iter().map(|(want, _)| *want).collect();
            let may_use: Vec<Vec<usize>> = kinds.iter().map(|(_, set)| set.iter().copied().collect()).collect();
            prop_assert_eq!(placeable(&wants, &may_use), by_trying(&wants, &may_use, 0, 0, &mut vec![false; 4]));
        }
    }
}
