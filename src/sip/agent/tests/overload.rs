//! New calls that are not taken, and what goes on beside them.

use super::*;

#[test]
fn a_draining_agent_refuses_new_calls_and_pings_with_retry_after_and_keeps_its_dialogs() {
    let mut flows = connected();
    flows.check(
        "drain
         OPTIONS 2 c       => 200 OPTIONS
         RE-INVITE 3 d     => 100 INVITE; reinvite with body
         answer-reinvite   => 200 INVITE
         ACK 3 e           => reinvite acknowledged
         INFO 4 f body=5 Content-Type:application/dtmf => 200 INFO; info application/dtmf 5",
    );
    let dialog = flows.our_tag.clone();
    flows.check("OPTIONS 1 g out => 503 OPTIONS");
    assert_eq!(flows.header("Retry-After").as_deref(), Some("60"));
    flows.check(
        "call another
         INVITE 1 h        => 503 INVITE",
    );
    assert_eq!(flows.header("Retry-After").as_deref(), Some("60"));
    flows.check(
        "ACK 1 h           =>
         INVITE 1 h        => 503 INVITE
         REGISTER 1 i out  => 405 REGISTER
         call call-1",
    );
    flows.our_tag = dialog;
    flows.check("BYE 5 j => 200 BYE; bye");
}
