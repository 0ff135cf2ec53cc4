//! Which objects a list or a watch asks for.

mod field;
mod label;

pub(crate) use label::LabelSelector;

use crate::{error::Outcome, http::Query, registry::Resource, store::Object};
use field::FieldSelector;

/// The selectors of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    labels: LabelSelector,
    fields: FieldSelector,
}

impl Selection {
    pub(crate) fn parse(resource: &Resource, query: &Query) -> Outcome<Self> {
        Ok(Self {
            labels: LabelSelector::parse(query.get("labelSelector").unwrap_or_default())?,
            fields: FieldSelector::parse(resource, query.get("fieldSelector").unwrap_or_default())?,
        })
    }

    /// The object of this name alone, as `kubectl get -w NAME` asks for.
    pub(crate) fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub(crate) fn matches(&self, resource: &Resource, object: &Object) -> bool {
        if !self.labels.is_empty() && !self.labels.matches(&object.labels()) {
            return false;
        }
        self.fields.is_empty() || self.fields.matches(resource, object)
    }
}
