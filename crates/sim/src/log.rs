//! What was called, by whom and with what outcome.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::service::Service;

/// How many calls are remembered.
const KEPT: usize = 20_000;

/// One call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallRecord {
    /// Counts up from 1.
    pub number: u64,
    /// When it came in, by the stand-in's clock.
    #[serde(with = "crate::iso")]
    pub at: Timestamp,
    /// The service.
    pub service: Service,
    /// The operation.
    pub operation: String,
    /// The region in the signature's scope.
    pub region: String,
    /// The access key it was signed with.
    pub access_key: Option<String>,
    /// Who called, once known.
    pub caller: Option<String>,
    /// The account that the caller acts in, once known.
    pub caller_account: Option<String>,
    /// The account that the call is about, where it names one.
    pub target_account: Option<String>,
    /// The parameters as given.
    pub parameters: Map<String, Value>,
    /// How it ended; absent while it is being handled.
    pub outcome: Option<CallOutcome>,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallOutcome {
    /// Handled and answered.
    Answered,
    /// Refused with this code.
    Refused(String),
    /// The connection ended before it was handled.
    Dropped,
    /// Handled, with this code (`Answered` or an error's), but the answer never went out.
    ReplyLost(String),
    /// Not handled; the answer was garbage.
    Garbage,
    /// Handled, with this code, but the answer was garbage.
    ReplyGarbled(String),
}

/// The calls that are remembered, and counts of all.
#[derive(Default)]
pub(crate) struct CallLog {
    next: u64,
    records: VecDeque<CallRecord>,
    counts: BTreeMap<String, BTreeMap<String, u64>>,
}

impl CallLog {
    /// Notes that a call came in and gives its number.
    pub(crate) fn arrived(&mut self, mut record: CallRecord) -> u64 {
        self.next += 1;
        record.number = self.next;
        self.records.push_back(record);
        if self.records.len() > KEPT {
            self.records.pop_front();
        }
        self.next
    }

    /// Notes who turned out to be calling.
    pub(crate) fn identified(&mut self, number: u64, caller: &str, account: &str) {
        if let Some(record) = self.record_mut(number) {
            record.caller = Some(caller.to_owned());
            record.caller_account = Some(account.to_owned());
        }
    }

    /// Notes how a call ended.
    pub(crate) fn ended(&mut self, number: u64, outcome: CallOutcome) {
        let Some(record) = self.record_mut(number) else { return };
        record.outcome = Some(outcome.clone());
        let operation = record.service.action(&record.operation);
        *self.counts.entry(operation).or_default().entry(outcome.label()).or_default() += 1;
    }

    pub(crate) fn records(&self) -> impl DoubleEndedIterator<Item = &CallRecord> {
        self.records.iter()
    }

    /// Counts by operation and outcome.
    pub(crate) fn counts(&self) -> &BTreeMap<String, BTreeMap<String, u64>> {
        &self.counts
    }

    /// Forgets calls and counts; numbers go on.
    pub(crate) fn clear(&mut self) {
        self.records.clear();
        self.counts.clear();
    }

    fn record_mut(&mut self, number: u64) -> Option<&mut CallRecord> {
        self.records.iter_mut().rev().find(|record| record.number == number)
    }
}

impl CallOutcome {
    /// As counts name it.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Answered => "Answered".to_owned(),
            Self::Refused(code) => code.clone(),
            Self::Dropped => "Dropped".to_owned(),
            Self::ReplyLost(code) => format!("ReplyLost:{code}"),
            Self::Garbage => "Garbage".to_owned(),
            Self::ReplyGarbled(code) => format!("ReplyGarbled:{code}"),
        }
    }
}
