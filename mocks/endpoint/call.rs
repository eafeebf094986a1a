//! One request on its way to an answer: its parameters, its page, and what is gone.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::answer::Refusal;
use super::faults::Fault;
use super::operations::{Named, Operation, Paging};
use super::params::Params;
use super::world::World;
use super::{PageSizes, Settings};

/// What the endpoint remembers between requests.
#[derive(Default)]
pub(super) struct Memory {
    /// How often a container instance whose agent is lost was described.
    lost_agents: Mutex<HashMap<String, u64>>,
}

/// A request for an operation.
pub(super) struct Call<'a> {
    pub(super) operation: &'static Operation,
    pub(super) params: &'a Params,
    pub(super) world: &'a World,
    pub(super) settings: &'a Settings,
    pub(super) memory: &'a Memory,
    /// What goes wrong with the content of the answer.
    pub(super) twist: Option<Fault>,
    /// What was named first and is gone.
    pub(super) gone: Option<String>,
}

/// A page of items, and how to go on.
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) next: Option<String>,
}

impl<'a> Call<'a> {
    pub(super) fn new(
        operation: &'static Operation,
        params: &'a Params,
        world: &'a World,
        settings: &'a Settings,
        memory: &'a Memory,
        twist: Option<Fault>,
    ) -> Self {
        let mut call = Self { operation, params, world, settings, memory, twist, gone: None };
        if twist == Some(Fault::Vanished) {
            call.gone = call.named().first().map(|name| (*name).to_owned());
        }
        call
    }

    /// Answers, if AWS would take the parameters.
    pub(super) fn answer(&self) -> Result<Value, Refusal> {
        let most = match self.operation.named {
            Some(Named::List(_, most)) => most,
            Some(Named::Filter(_)) => 200,
            Some(Named::One(_) | Named::Images(_)) | None => usize::MAX,
        };
        if self.named().len() > most {
            let message = format!("{} takes at most {most} names", self.operation.name());
            return Err(Refusal::parameter(self.operation.service(), message));
        }
        (self.operation.answer)(self)
    }

    /// What the request names, in its order.
    pub(super) fn named(&self) -> Vec<&'a str> {
        match self.operation.named {
            Some(Named::List(name, _)) => self.params.strings(name),
            Some(Named::One(name)) => self.params.text(name).into_iter().collect(),
            Some(Named::Filter(name)) => self.params.filter(name).unwrap_or_default(),
            Some(Named::Images(name)) => self.params.of_items(name, &["imageDigest", "imageTag"]),
            None => Vec::new(),
        }
    }

    /// A parameter that has to be there.
    pub(super) fn required(&self, name: &str) -> Result<&'a str, Refusal> {
        let missing = || Refusal::parameter(self.operation.service(), format!("{name} is missing"));
        self.params.text(name).ok_or_else(missing)
    }

    pub(super) fn is_gone(&self, name: &str) -> bool {
        self.gone.as_deref() == Some(name)
    }

    /// The page that is asked for.
    pub(super) fn page<T: Copy>(&self, items: &[T]) -> Result<Page<T>, Refusal> {
        let paging = self.operation.paging.as_ref().expect("an operation that pages says how");
        let size = self.page_size(paging)?;
        let token = self.params.text(paging.token).filter(|token| !token.is_empty());
        let start = match token {
            None if self.twist == Some(Fault::EmptyPageWithToken) => {
                return Ok(Page { items: Vec::new(), next: Some(token_at(0)) });
            }
            None => 0,
            Some(token) => place(token).filter(|start| *start <= items.len()).ok_or_else(|| self.bad_token())?,
        };
        let end = start.saturating_add(size).min(items.len());
        let next = match self.twist {
            Some(Fault::RepeatedToken) => Some(token_at(start)),
            _ => (end < items.len()).then(|| token_at(end)),
        };
        Ok(Page { items: items[start..end].to_vec(), next })
    }

    fn page_size(&self, paging: &Paging) -> Result<usize, Refusal> {
        let asked = self.params.number(paging.size);
        if let (Some(asked), Some(most)) = (asked, paging.most)
            && (asked == 0 || asked > most)
        {
            let message = format!("{} must be between 1 and {most}", paging.size);
            return Err(Refusal::parameter(self.operation.service(), message));
        }
        let size = asked.or(paging.default).unwrap_or(usize::MAX);
        Ok(match self.settings.pages {
            PageSizes::Aws => size,
            PageSizes::AtMost(most) => size.min(most.max(1)),
        })
    }

    fn bad_token(&self) -> Refusal {
        match self.operation.service() {
            "ec2" => Refusal::bad("InvalidNextToken", "The token is not valid"),
            service => Refusal::parameter(service, "Invalid token"),
        }
    }

    /// How often an instance with a lost agent was described before; none is counted where the answer won't arrive.
    pub(super) fn times_described(&self, instance: &str) -> u64 {
        let mut counts = self.memory.lost_agents.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(instance.to_owned()).or_default();
        let before = *count;
        *count += u64::from(self.twist.is_none());
        before
    }
}

/// A token that says nothing to those who get it.
fn token_at(start: usize) -> String {
    format!("bmV4dC1wYWdl{start:08x}")
}

fn place(token: &str) -> Option<usize> {
    usize::from_str_radix(token.strip_prefix("bmV4dC1wYWdl")?, 16).ok()
}
