//! Facts from sources that may not be there or may not answer. A rule sees the absence and its reason
//! where it looks for the fact, so that what is not known is never taken for a «no».

use super::remote::RemoteError;
use crate::git::Gap;
use crate::registry::error::RegistryError;

/// A fact from a source that may not be there or may not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source<T> {
    /// Nothing is configured to ask; the reason.
    NotConfigured(String),
    /// The source did not answer; why, and whether trying again may help.
    Unknown {
        /// What is missing and why.
        because: String,
        /// Whether running the step again may help.
        retry: bool,
        /// What to do.
        advice: String,
    },
    /// The answer.
    Known(T),
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absent {
    /// As [`Source::NotConfigured`].
    NotConfigured(String),
    /// As [`Source::Unknown`].
    Unknown {
        /// What is missing and why.
        because: String,
        /// Whether running the step again may help.
        retry: bool,
        /// What to do.
        advice: String,
    },
}

impl From<&RegistryError> for Absent {
    fn from(error: &RegistryError) -> Self {
        Self::Unknown {
            because: error.to_string(),
            retry: error.may_pass(),
            advice: error.advice(),
        }
    }
}

impl From<&RemoteError> for Absent {
    fn from(error: &RemoteError) -> Self {
        Self::Unknown {
            because: error.to_string(),
            retry: error.may_pass(),
            advice: error.advice(),
        }
    }
}

impl From<&Gap> for Absent {
    fn from(gap: &Gap) -> Self {
        Self::Unknown {
            because: gap.to_string(),
            retry: false,
            advice: gap.advice().to_owned(),
        }
    }
}

/// What failed is unknown, with the words of its error.
impl<T, E> From<Result<T, E>> for Source<T>
where
    for<'a> Absent: From<&'a E>,
{
    fn from(answer: Result<T, E>) -> Self {
        match answer {
            Ok(answer) => Self::Known(answer),
            Err(error) => Absent::from(&error).into(),
        }
    }
}

impl<T> From<Absent> for Source<T> {
    fn from(absent: Absent) -> Self {
        match absent {
            Absent::NotConfigured(because) => Self::NotConfigured(because),
            Absent::Unknown {
                because,
                retry,
                advice,
            } => Self::Unknown {
                because,
                retry,
                advice,
            },
        }
    }
}

impl<T> Source<T> {
    /// The answer, or why there is none.
    ///
    /// # Errors
    /// Why there is none.
    pub fn answer(&self) -> Result<&T, Absent> {
        match self {
            Self::Known(answer) => Ok(answer),
            Self::NotConfigured(because) => Err(Absent::NotConfigured(because.clone())),
            Self::Unknown {
                because,
                retry,
                advice,
            } => Err(Absent::Unknown {
                because: because.clone(),
                retry: *retry,
                advice: advice.clone(),
            }),
        }
    }

    /// The answer, or its absence as the answer to another question that needed it.
    ///
    /// # Errors
    /// The absence.
    pub fn or_absent<U>(&self) -> Result<&T, Source<U>> {
        self.answer().map_err(Source::from)
    }

    /// The answer to another question that needs this one.
    pub fn then<U>(&self, ask: impl FnOnce(&T) -> Source<U>) -> Source<U> {
        self.or_absent().map_or_else(|absent| absent, ask)
    }

    /// The answer, if there is one.
    pub fn get(&self) -> Option<&T> {
        match self {
            Self::Known(answer) => Some(answer),
            Self::NotConfigured(_) | Self::Unknown { .. } => None,
        }
    }
}
