//! How many awsvpc tasks an instance with a trunk ENI holds: the table of the ECS Developer Guide
//! ("Supported instances for increased Amazon ECS container network interfaces"), which no API returns.
//!
//! The table is a sorted text that stays in the binary as it is; a look-up is a binary search over its lines.

/// `instance_type,tasks_with_trunk,branch_interfaces`, sorted; empty where the guide or the VPC resource controller
/// has no number. Read on 2026-11-20.
static TABLE: &str = include_str!("task_eni_limits.csv");

/// What is known of an instance type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrunkLimit {
    /// awsvpc tasks with a trunk, as the guide prints it; `None` when the guide doesn't list the type.
    pub tasks: Option<u32>,
    /// Branch interfaces as the EKS VPC resource controller counts them; capped at 120 there.
    pub branch_interfaces: Option<u32>,
}

/// The cap of the VPC resource controller's figures: a type that shows it may hold more.
const BRANCH_CAP: u32 = 120;

impl TrunkLimit {
    /// For a type that the guide doesn't list: branch interfaces plus what is left of the plain ones after the primary
    /// and the trunk. The formula fits 1,148 of the 1,164 types that are in both sources; `None` where it may not.
    pub fn derived(&self, maximum_network_interfaces: u32) -> Option<u32> {
        let branch = self.branch_interfaces.filter(|branch| (1..BRANCH_CAP).contains(branch))?;
        (branch + maximum_network_interfaces).checked_sub(2)
    }
}

/// Looks an instance type up; `None` for a type that the table lacks.
pub fn of(instance_type: &str) -> Option<TrunkLimit> {
    let (mut start, mut end) = (0, TABLE.len());
    while start < end {
        let middle = start + (end - start) / 2;
        let line_start = TABLE[start..middle].rfind('\n').map_or(start, |at| start + at + 1);
        let line_end = TABLE[line_start..end].find('\n').map_or(end, |at| line_start + at);
        let mut fields = TABLE[line_start..line_end].split(',');
        match fields.next().unwrap_or_default().cmp(instance_type) {
            std::cmp::Ordering::Less => start = (line_end + 1).min(end),
            std::cmp::Ordering::Greater => end = line_start,
            std::cmp::Ordering::Equal => {
                let mut number = || fields.next().and_then(|field| field.parse().ok());
                return Some(TrunkLimit { tasks: number(), branch_interfaces: number() });
            }
        }
    }
    None
}

/// Types of the same size that can have a trunk, with their tasks: of the same class (`c`, `m`, `r` …) if there are any,
/// else general-purpose ones.
pub fn of_size(instance_type: &str) -> Vec<(&'static str, u32)> {
    let Some((family, size)) = instance_type.split_once('.') else { return Vec::new() };
    let of_class = |class: char| -> Vec<(&'static str, u32)> {
        let lines = TABLE.lines().filter(|line| line.starts_with(class));
        let found = lines.filter_map(|line| {
            let (name, rest) = line.split_once(',')?;
            let tasks = rest.split(',').next()?.parse().ok()?;
            (name.split_once('.')?.1 == size).then_some((name, tasks))
        });
        found.collect()
    };
    let same = family.chars().next().map(of_class).unwrap_or_default();
    if same.is_empty() { of_class('m') } else { same }
}

/// A larger size of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextSize {
    /// The type.
    pub instance_type: &'static str,
    /// How much more CPU and memory it has, as a fraction.
    pub factor: (i64, i64),
    /// awsvpc tasks without a trunk.
    pub tasks_without_trunk: u32,
    /// awsvpc tasks with one.
    pub tasks_with_trunk: u32,
}

/// The next larger size of the same family that the guide lists. Its interfaces without a trunk follow from the two
/// numbers of the table: tasks with a trunk are branch interfaces plus the plain ones but two.
pub fn next_size(instance_type: &str) -> Option<NextSize> {
    let (family, size) = instance_type.split_once('.')?;
    let own = size_units(size)?;
    let lines = TABLE.lines().filter(|line| line.strip_prefix(family).is_some_and(|rest| rest.starts_with('.')));
    let larger = lines.filter_map(|line| {
        let mut fields = line.split(',');
        let name = fields.next()?;
        let units = size_units(name.split_once('.')?.1).filter(|units| *units > own)?;
        let (tasks, branch): (u32, u32) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        let without = (tasks + 1).checked_sub(branch).filter(|_| branch > 0 && branch < BRANCH_CAP)?;
        Some(NextSize {
            instance_type: name,
            factor: (units, own),
            tasks_without_trunk: without,
            tasks_with_trunk: tasks,
        })
    });
    larger.min_by_key(|next| next.factor.0)
}

/// Sizes in quarters of a `large`: those of a family grow in step with their names.
fn size_units(size: &str) -> Option<i64> {
    match size {
        "small" => Some(1),
        "medium" => Some(2),
        "large" => Some(4),
        "xlarge" => Some(8),
        _ => Some(size.strip_suffix("xlarge")?.parse::<i64>().ok()? * 8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_size_of_a_family() {
        let next = next_size("c5.large").unwrap();
        assert_eq!((next.instance_type, next.factor, next.tasks_without_trunk), ("c5.xlarge", (8, 4), 3));
        let next = next_size("m5.2xlarge").unwrap();
        assert_eq!((next.instance_type, next.factor, next.tasks_without_trunk), ("m5.4xlarge", (32, 16), 7));
        assert_eq!(next_size("m5.metal"), None);
    }

    #[test]
    fn types_of_one_size() {
        let c = of_size("c5n.large");
        assert!(c.contains(&("c5.large", 10)) && c.iter().all(|(name, _)| name.starts_with('c')), "{c:?}");
        assert!(of_size("t3.large").contains(&("m5.large", 10)));
        assert!(of_size("nonsense").is_empty());
    }

    #[test]
    fn every_line_of_the_table_is_found() {
        let names: Vec<&str> = TABLE.lines().map(|line| line.split(',').next().unwrap()).collect();
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "sorted, without duplicates");
        for (name, line) in names.iter().zip(TABLE.lines()) {
            let mut fields = line.split(',').skip(1).map(|field| field.parse::<u32>().ok());
            let limit = of(name).unwrap_or_else(|| panic!("{name} is in the table"));
            assert_eq!((limit.tasks, limit.branch_interfaces), (fields.next().unwrap(), fields.next().unwrap()));
        }
        assert!(TABLE.lines().all(|line| line.is_ascii() && line.matches(',').count() == 2));
    }

    #[test]
    fn the_guide_decides_and_unknown_types_stay_unknown() {
        assert_eq!(of("c5.large").unwrap().tasks, Some(10));
        assert_eq!(of("m5.xlarge").unwrap().tasks, Some(20));
        assert_eq!(of("t3.large").unwrap().tasks, None);
        assert_eq!(of("c5n.large").unwrap().tasks, None);
        for absent in ["", "a", "c5", "c5.larg", "c5.largee", "zz9.metal", "\n", ","] {
            assert_eq!(of(absent), None, "{absent:?}");
        }
    }

    #[test]
    fn the_formula_stops_at_the_cap_of_its_source() {
        let limit = |branch| TrunkLimit { tasks: None, branch_interfaces: branch };
        assert_eq!(limit(Some(9)).derived(3), Some(10));
        assert_eq!(limit(Some(120)).derived(15), None);
        assert_eq!(limit(Some(0)).derived(3), None);
        assert_eq!(limit(None).derived(3), None);
    }
}
