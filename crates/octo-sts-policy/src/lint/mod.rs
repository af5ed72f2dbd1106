//! Warnings: what is legal and usually wrong.
//!
//! | File | Looks at |
//! |---|---|
//! | `exact` | a value that is compared byte for byte |
//! | `pattern` | the text of one pattern |
//! | `tenant` | whether a policy says whose tokens of a shared issuer it means |
//! | `policy` | fields together |

mod exact;
mod pattern;
mod policy;
mod tenant;

pub(crate) use exact::exact;
pub(crate) use pattern::pattern;
pub(crate) use policy::policy;
pub(crate) use tenant::admits_anything;
