//! The query parameters of the REST API, and what each may hold.

use crate::Error;
use crate::names::Name;
use crate::text::decimal;

/// A query parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Parameter {
    /// A connection that is left out; may be repeated.
    Excluded,
    /// An OData filter over the connections.
    Filter,
    /// How long a message may wait: 0 (for ever) to 300 seconds.
    MessageTtlSeconds,
    /// Why connections are closed; the clients see it.
    Reason,
    /// The group that a permission is for.
    TargetName,
    /// How many entries a page has at most: 1 to 200.
    MaxPageSize,
    /// How many entries all pages have together at most: 1 to 2147483647.
    Top,
    /// Where to go on, from an earlier page.
    ContinuationToken,
    /// The user that a token is for.
    UserId,
    /// A role that a token grants; may be repeated.
    Role,
    /// For how long a token is good: at least 1 minute.
    MinutesToExpire,
    /// A group that a client is in from the start; may be repeated.
    Group,
    /// `default`, `mqtt` or `socketio`.
    ClientType,
}

impl Parameter {
    /// Every parameter, in the order of its number (`parameter as u8`).
    #[rustfmt::skip]
    pub const ALL: [Parameter; 13] = {
        use Parameter as P;
        [
            P::Excluded, P::Filter, P::MessageTtlSeconds, P::Reason, P::TargetName, P::MaxPageSize, P::Top,
            P::ContinuationToken, P::UserId, P::Role, P::MinutesToExpire, P::Group, P::ClientType,
        ]
    };

    /// The parameter of a number, for callers that can only pass a number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Its name in the URL.
    pub const fn name(self) -> &'static str {
        match self {
            Parameter::Excluded => "excluded",
            Parameter::Filter => "filter",
            Parameter::MessageTtlSeconds => "messageTtlSeconds",
            Parameter::Reason => "reason",
            Parameter::TargetName => "targetName",
            Parameter::MaxPageSize => "maxpagesize",
            Parameter::Top => "top",
            Parameter::ContinuationToken => "continuationToken",
            Parameter::UserId => "userId",
            Parameter::Role => "role",
            Parameter::MinutesToExpire => "minutesToExpire",
            Parameter::Group => "group",
            Parameter::ClientType => "clientType",
        }
    }

    /// Checks a value.
    pub(crate) fn check(self, value: &str, strict: bool) -> Result<(), Error> {
        let number_in = |least, most, error| match decimal(value) {
            Some(number) if least <= number && number <= most => Ok(()),
            _ => Err(error),
        };
        match self {
            Parameter::Excluded => Name::Connection.check(value, strict),
            Parameter::TargetName | Parameter::Group => Name::Group.check(value, strict),
            Parameter::UserId => Name::User.check(value, strict),
            Parameter::MessageTtlSeconds => number_in(0, 300, Error::MessageTtl),
            Parameter::MaxPageSize => number_in(1, 200, Error::PageSize),
            Parameter::Top => number_in(1, 0x7fff_ffff, Error::Top),
            Parameter::MinutesToExpire => number_in(1, 0x7fff_ffff, Error::Lifetime),
            Parameter::ContinuationToken if value.is_empty() => Err(Error::ContinuationToken),
            Parameter::Role if value.is_empty() => Err(Error::Role),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_parameters_match() {
        for (number, parameter) in (0..).zip(Parameter::ALL) {
            assert_eq!(parameter as u8, number);
            assert_eq!(Parameter::from_number(number), Some(parameter));
        }
        assert_eq!(Parameter::from_number(13), None);
    }

    #[test]
    fn numbers_are_whole_and_in_range() {
        for (parameter, good, bad) in [
            (
                Parameter::MessageTtlSeconds,
                vec!["0", "300"],
                vec!["-1", "301", "1.5", "NaN", "Infinity", "", "+1", " 1"],
            ),
            (Parameter::MaxPageSize, vec!["1", "200"], vec!["0", "201", "1e2"]),
            (Parameter::Top, vec!["1", "2147483647"], vec!["0", "2147483648", "1e21"]),
            (Parameter::MinutesToExpire, vec!["1"], vec!["0", "0.5"]),
        ] {
            for value in good {
                assert_eq!(parameter.check(value, true), Ok(()), "{parameter:?} {value}");
            }
            for value in bad {
                assert!(parameter.check(value, true).is_err(), "{parameter:?} {value}");
            }
        }
    }
}
