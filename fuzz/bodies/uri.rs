//! The two readers of URIs, and the numbers in them.

use ivr1357::number::{Caller, Dialled};
use ivr1357::sip::SipUri;
use ivr1357::sip::uri::{Scheme, UriView};

pub fn run(data: &[u8]) {
    let view = UriView::parse(data);
    if let Ok(view) = view {
        let user = view.user_unescaped();
        let caller = Caller::new(&user);
        let (secret, shown) = (caller.secret(), caller.to_string());
        if secret.len() > 1 && secret.bytes().all(|byte| byte.is_ascii_digit()) {
            // 010****5678 is the most that is ever told of a number.
            let told = shown.bytes().filter(u8::is_ascii_digit).count();
            assert!(told <= 7 && told < secret.len(), "{told} of {} digits are told", secret.len());
        }
        Dialled::new(&user);
        view.ip();
        view.param("lr");
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(strict) = text.parse::<SipUri>() else { return };
    let view = view.expect("the lenient reader reads what the strict one does");
    assert_eq!(view.scheme, strict.scheme());
    assert_eq!(view.user_unescaped(), strict.user());
    assert!(view.host.eq_ignore_ascii_case(strict.host().as_bytes()));
    assert_eq!(view.port, strict.port());
    if strict.scheme() != Scheme::Tel {
        let with = strict.with_header("User-to-User", "30;encoding=hex");
        assert_eq!(with.to_string().parse::<SipUri>().as_ref(), Ok(&with));
    }
    assert_eq!(strict.to_string().parse::<SipUri>(), Ok(strict));
}
