//! An INVITE that takes the place of another dialog (RFC 3891): which one, and whether it may.
//!
//! Whoever knows Call-ID and both tags has heard the dialog's messages; beyond that the INVITE must come from the same
//! trunk. A dialog of somebody else is answered like one that does not exist.

use super::receive::Request;
use super::{Agent, DialogKey};
use crate::sip::dialog::State;
use crate::sip::header::{before_params, params};
use crate::sip::reader::Name;
use crate::sip::status::StatusCode;
use crate::sip::trunk::TrunkId;

impl Agent {
    /// The dialog that an INVITE wants to replace, or its refusal (§3).
    pub(super) fn replaced(
        &self,
        request: &Request<'_, '_>,
        trunk: Option<TrunkId>,
    ) -> Result<Option<DialogKey>, StatusCode> {
        let mut values = request.message.values(Name::Replaces);
        let Some(value) = values.next() else { return Ok(None) };
        let (call_id, params) = (before_params(value), params(value));
        let (Some(ours), Some(theirs), None) = (params.get("to-tag"), params.get("from-tag"), values.next()) else {
            return Err(StatusCode::BAD_REQUEST);
        };
        // A peer of RFC 2543 has no tag; `0` stands for that (§6.1).
        let theirs = if theirs == b"0" { b"" } else { theirs };
        let key = *self.dialog_index.get(ours).ok_or(StatusCode::NO_DIALOG)?;
        let dialog = self.dialogs.get(&key).ok_or(StatusCode::NO_DIALOG)?;
        if *dialog.call_id != *call_id || *dialog.remote_tag != *theirs || dialog.trunk != trunk {
            return Err(StatusCode::NO_DIALOG);
        }
        match &dialog.state {
            // Only whoever began an early dialog may have it replaced (§3).
            State::Early { .. } => Err(StatusCode::NO_DIALOG),
            State::Live { bye: Some(_), .. } | State::Leaving | State::Lingering { .. } => Err(StatusCode::DECLINE),
            State::Live { .. } if params.get("early-only").is_some() => Err(StatusCode::BUSY),
            State::Live { .. } => Ok(Some(key)),
        }
    }

    /// A dialog that is answered takes the place among the live calls from the one that it replaces: it is the same call, so that
    /// it counts once, before and after, and at the cap too.
    pub(super) fn take_place(&mut self, key: DialogKey) {
        let Some(old) = self.dialogs.get_mut(&key).and_then(|dialog| dialog.replaces.take()) else { return };
        let place = self.dialogs.get_mut(&old).and_then(|old| old.place.take());
        if let Some(dialog) = self.dialogs.get_mut(&key) {
            dialog.place = place;
        }
    }

    /// This call still waits for our answer.
    pub fn waits(&self, dialog: DialogKey) -> bool {
        self.dialogs.get(&dialog).is_some_and(|dialog| matches!(dialog.state, State::Early { .. }))
    }
}
