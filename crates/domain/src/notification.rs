//! Who is told of events: people in the console, and channels to the outside.

use std::collections::BTreeSet;
use std::str::FromStr;

use crate::{AuditEntryId, ChannelId, DeliveryId, DisplayName, Event, Invalid, NotificationId, Timestamp};

macro_rules! names {
    ($(#[$doc:meta])* $name:ident, $wrong:literal: $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// All of them.
            pub const ALL: &[$name] = &[$($name::$variant),+];

            /// The name on the wire; never changed.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text).ok_or_else(|| Invalid::new($wrong))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

names! {
    /// What leads to the outside.
    ChannelType, "a channel type is one of email, slack_webhook, generic_webhook, aws_sns, slack_bot":
    /// Mail.
    Email = "email",
    /// Slack's incoming webhook.
    SlackWebhook = "slack_webhook",
    /// A signed POST to a URL.
    GenericWebhook = "generic_webhook",
    /// An SNS topic.
    AwsSns = "aws_sns",
    /// A bot in Slack.
    SlackBot = "slack_bot",
}

names! {
    /// Where a person is told.
    PersonalChannel, "a channel is one of email, slack, in_app":
    /// By mail.
    Email = "email",
    /// In Slack.
    Slack = "slack",
    /// In the console.
    InApp = "in_app",
}

names! {
    /// How far a message to a channel has come.
    DeliveryState, "a state is one of pending, delivered, failed":
    /// It is sent, or sent again, when its time comes.
    Pending = "pending",
    /// The receiver took it.
    Delivered = "delivered",
    /// It is sent no more.
    Failed = "failed",
}

names! {
    /// Why a message did not arrive: a class, and never the receiver's own words.
    DeliveryFailure, "no such reason":
    /// No answer in time.
    TimedOut = "timed_out",
    /// The name leads nowhere, or to an address that is not public.
    NoPublicAddress = "no_public_address",
    /// Nobody took the connection, or it could not be secured.
    ConnectionFailed = "connection_failed",
    /// The answer was no HTTP, or it broke off.
    BadAnswer = "bad_answer",
    /// The answer led elsewhere, where Curfew does not go.
    Redirected = "redirected",
    /// The answer's status is not one of success.
    Refused = "refused",
    /// The answer was 410: nobody wants messages there any more.
    Gone = "gone",
    /// The channel was turned off before it was sent.
    ChannelDisabled = "channel_disabled",
    /// So many wait for the channel already that this one was not queued behind them.
    TooManyWaiting = "too_many_waiting",
    /// The channel's settings can't be used by this server: its URL is refused by now, or its secrets can't be opened.
    Unusable = "unusable",
}

/// One person's notification, shown in the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Its id.
    pub id: NotificationId,
    /// What happened.
    pub event: Event,
    /// In a few words.
    pub title: String,
    /// In a sentence or two.
    pub body: String,
    /// The kind of thing that it is about.
    pub resource_type: Option<String>,
    /// Which of them.
    pub resource_id: Option<String>,
    /// When it was read.
    pub read_at: Option<Timestamp>,
    /// When it was told.
    pub created_at: Timestamp,
}

/// Whether a person wants to be told of an event in one place. What was never said is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotificationPreference {
    /// Of what.
    pub event: Event,
    /// Where.
    pub channel: PersonalChannel,
    /// Whether.
    pub enabled: bool,
}

/// A way to the outside, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationChannel {
    /// Its id.
    pub id: ChannelId,
    /// What people call it.
    pub name: DisplayName,
    /// What it leads to; fixed.
    pub channel_type: ChannelType,
    /// Whether messages go there.
    pub enabled: bool,
    /// The events that it wants; all of them where empty.
    pub event_filters: BTreeSet<Event>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl NotificationChannel {
    /// Whether it is told of an event. Emergency access is told to every channel.
    pub fn wants(&self, event: Event) -> bool {
        let named = self.event_filters.is_empty() || self.event_filters.contains(&event);
        self.enabled && (named || event == Event::RequestBreakGlass)
    }
}

/// One message to one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// To which channel.
    pub channel: ChannelId,
    /// The entry of the audit log that it tells of. Receivers see it as the message's id.
    pub entry: AuditEntryId,
    /// What it tells of: the entry's action.
    pub event_type: String,
    /// How far it has come.
    pub state: DeliveryState,
    /// How often it was sent.
    pub attempts: u32,
    /// When it is sent next; none once it is over.
    pub next_attempt_at: Option<Timestamp>,
    /// When it was last sent.
    pub last_attempt_at: Option<Timestamp>,
    /// The HTTP status of the last answer.
    pub status_code: Option<u16>,
    /// Why it did not arrive the last time.
    pub failure: Option<DeliveryFailure>,
    /// When it was first to be sent.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for one in ChannelType::ALL {
            assert_eq!(one.as_str().parse(), Ok(*one));
        }
        for one in DeliveryFailure::ALL {
            assert_eq!(one.as_str().parse(), Ok(*one));
        }
        assert!("sms".parse::<PersonalChannel>().is_err());
        assert!("lost".parse::<DeliveryState>().is_err());
    }

    #[test]
    fn a_channel_wants_what_it_names_and_all_emergencies() {
        let at = Timestamp::from_micros(1);
        let channel = |events: &[Event], enabled| NotificationChannel {
            id: ChannelId::from_uuid(uuid::Uuid::from_u128(1)),
            name: "ops".parse().unwrap(),
            channel_type: ChannelType::GenericWebhook,
            enabled,
            event_filters: events.iter().copied().collect(),
            created_at: at,
            updated_at: at,
        };
        assert!(channel(&[], true).wants(Event::GrantActive));
        let picky = channel(&[Event::GrantFailed], true);
        assert!(picky.wants(Event::GrantFailed) && picky.wants(Event::RequestBreakGlass));
        assert!(!picky.wants(Event::GrantActive));
        assert!(!channel(&[], false).wants(Event::RequestBreakGlass));
    }
}
