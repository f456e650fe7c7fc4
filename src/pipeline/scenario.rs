//! The promotions that a file can meet: every value that its conditions tell apart, and which of
//! them let a step run.
//!
//! Conditions are about one field each and must all hold, so what a set of conditions admits is a
//! box: one set of values per field. Whether gates cover a step is the question whether the gates'
//! boxes cover the step's, which is answered by cutting each gate's box out of it.

use std::collections::BTreeSet;

use super::Pipeline;
use super::condition::{Conditions, Field};
use super::glob;

/// How many fields there are.
const FIELDS: usize = Field::ALL.len();
/// The most values of one field that are told apart: the bits of a set.
const MOST_VALUES: usize = 128;
/// The most boxes that one question may cut into.
const MOST_BOXES: usize = 500;

/// One set of values per field.
pub type Scenarios = [u128; FIELDS];

/// Every value that is told apart, field by field.
#[derive(Debug, Clone)]
pub struct World {
    values: [Vec<String>; FIELDS],
    /// Whether a field has more values than can be told apart.
    pub overfull: bool,
}

/// Whether a doubt counts as «runs». For what may do harm it does, for what protects it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// What is not sure, runs.
    Runs,
    /// What is not sure, does not run.
    Rests,
}

impl World {
    /// The world in which a field has exactly the given values; fields that are not given get what
    /// the conditions of the pipelines tell apart, and one value that nobody names.
    pub fn new(
        pipelines: &[Pipeline],
        given: &[(Field, Vec<String>)],
        more: &[(Field, Vec<String>)],
    ) -> Self {
        let mut world = Self {
            values: Default::default(),
            overfull: false,
        };
        for field in Field::ALL {
            let fixed = given.iter().find(|(f, _)| *f == field);
            if let Some((_, values)) = fixed {
                world.add(field, values.iter().cloned());
                continue;
            }
            let extra = more.iter().filter(|(f, _)| *f == field);
            world.add(field, extra.flat_map(|(_, values)| values.iter().cloned()));
            for conditions in pipelines.iter().flat_map(Pipeline::conditions) {
                if let Some(condition) = conditions.get(field) {
                    let patterns = condition.include.iter().chain(&condition.exclude);
                    let example = |pattern: &String| match condition.exact {
                        true => pattern.clone(),
                        false => glob::example(pattern),
                    };
                    world.add(field, patterns.map(example));
                }
            }
            // What two patterns have in common is told apart from what only one of them takes.
            let patterns = patterns_on(field, pipelines);
            for one in &patterns {
                let both = patterns
                    .iter()
                    .filter_map(|other| glob::meeting(one, other));
                world.add(field, both);
            }
            world.add(field, ["any-other".to_owned()]);
        }
        world
    }

    fn add(&mut self, field: Field, values: impl IntoIterator<Item = String>) {
        let known = &mut self.values[field as usize];
        for value in values {
            if known.contains(&value) {
                continue;
            }
            if known.len() == MOST_VALUES {
                self.overfull = true;
                return;
            }
            known.push(value);
        }
    }

    /// The values of a field that a set of scenarios holds.
    pub fn names(&self, scenarios: &Scenarios, field: Field) -> Vec<&str> {
        let set = scenarios[field as usize];
        let values = self.values[field as usize].iter().enumerate();
        values
            .filter(|(bit, _)| set & (1 << bit) != 0)
            .map(|(_, name)| name.as_str())
            .collect()
    }

    /// Whether a set of scenarios holds every value of a field.
    pub fn is_all(&self, scenarios: &Scenarios, field: Field) -> bool {
        scenarios[field as usize] == self.every(field)
    }

    fn every(&self, field: Field) -> u128 {
        let count = self.values[field as usize].len();
        if count >= MOST_VALUES {
            u128::MAX
        } else {
            (1 << count) - 1
        }
    }

    /// Everything.
    pub fn all(&self) -> Scenarios {
        Field::ALL.map(|field| self.every(field))
    }

    /// What a `when` or `trigger` admits: the boxes of its sets of conditions.
    fn admitted(&self, any: &[Conditions], doubt: Doubt) -> Vec<Scenarios> {
        if any.is_empty() {
            return vec![self.all()];
        }
        let one = |conditions: &Conditions| {
            Field::ALL.map(|field| {
                let Some(condition) = conditions.get(field) else {
                    return self.every(field);
                };
                let values = self.values[field as usize].iter().enumerate();
                let admits = |value: &str| condition.admits(value).unwrap_or(doubt == Doubt::Runs);
                let bits = values.filter(|(_, value)| admits(value));
                bits.fold(0, |set, (bit, _)| set | 1 << bit)
            })
        };
        any.iter().map(one).collect()
    }

    /// The scenarios in which a step of a pipeline runs, as far as conditions say.
    pub fn of_step(
        &self,
        trigger: &[Conditions],
        when: &[Conditions],
        doubt: Doubt,
    ) -> Vec<Scenarios> {
        let mut found = Vec::new();
        for pipeline in self.admitted(trigger, doubt) {
            for step in self.admitted(when, doubt) {
                let both = intersect(&pipeline, &step);
                if is_empty(&both) {
                    continue;
                }
                if found.len() == MOST_VALUES {
                    // Nobody writes that many alternatives. What may run is taken to run always.
                    return if doubt == Doubt::Runs {
                        vec![self.all()]
                    } else {
                        found
                    };
                }
                found.push(both);
            }
        }
        found
    }
}

/// The patterns of a field that are no plain names, each once.
fn patterns_on(field: Field, pipelines: &[Pipeline]) -> BTreeSet<&str> {
    pipelines
        .iter()
        .flat_map(Pipeline::conditions)
        .filter_map(|conditions| conditions.get(field))
        .filter(|condition| !condition.exact)
        .flat_map(|condition| condition.include.iter().chain(&condition.exclude))
        .map(String::as_str)
        .filter(|pattern| glob::is_pattern(pattern))
        .collect()
}

/// What both hold.
pub fn intersect(one: &Scenarios, other: &Scenarios) -> Scenarios {
    let mut both = *one;
    for (set, other) in both.iter_mut().zip(other) {
        *set &= other;
    }
    both
}

fn is_empty(scenarios: &Scenarios) -> bool {
    scenarios.contains(&0)
}

/// What of `whole` none of `parts` holds, as boxes. `None` if that is too much work to say.
pub fn without(whole: &[Scenarios], parts: &[Scenarios]) -> Option<Vec<Scenarios>> {
    let mut left: Vec<Scenarios> = whole.to_vec();
    for part in parts {
        let mut next = Vec::new();
        for one in left {
            cut(one, part, &mut next);
            if next.len() > MOST_BOXES {
                return None;
            }
        }
        left = next;
    }
    Some(left)
}

/// Cuts one box out of another: for each field what lies outside of it there, and inside of it in
/// the fields before.
fn cut(mut whole: Scenarios, part: &Scenarios, out: &mut Vec<Scenarios>) {
    if is_empty(&intersect(&whole, part)) {
        out.push(whole);
        return;
    }
    for field in 0..FIELDS {
        let outside = whole[field] & !part[field];
        if outside != 0 {
            let mut piece = whole;
            piece[field] = outside;
            out.push(piece);
        }
        whole[field] &= part[field];
    }
}
