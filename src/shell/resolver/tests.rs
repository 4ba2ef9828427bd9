use super::*;
use crate::shell::patient::patiently;
use names::{A, AAAA, NAPTR, NameServer, Reply, SRV};
use std::time::Duration;

#[path = "../../../tests/common/names.rs"]
mod names;

struct Bench {
    names: NameServer,
    inbox: Arc<Inbox>,
    poll: mio::Poll,
    handle: Handle,
    last: u64,
}

impl Bench {
    fn new() -> Self {
        let names = NameServer::start();
        let poll = mio::Poll::new().expect("a poll");
        let inbox = Arc::new(Inbox::new(&poll).expect("an inbox"));
        let (handle, _) = start(vec![names.address], Arc::clone(&inbox)).expect("starts");
        Self { names, inbox, poll, handle, last: 0 }
    }

    fn ask(&mut self, question: Question) -> Answer {
        self.last += 1;
        assert!(self.handle.ask(LookupKey(self.last), question));
        let mut events = mio::Events::with_capacity(8);
        let mut batch = Vec::new();
        while batch.is_empty() {
            patiently(|| self.poll.poll(&mut events, Some(Duration::from_secs(20)))).expect("polls");
            self.inbox.take(&mut batch);
        }
        match batch.remove(0) {
            Message::LookedUp { lookup, answer } => {
                assert_eq!(lookup, LookupKey(self.last));
                answer
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn records_of_every_kind_are_found() {
    let mut bench = Bench::new();
    let naptr = |preference, service: &str, replacement: &str| Naptr {
        order: 10,
        preference,
        flags: "s".to_owned(),
        service: service.to_owned(),
        replacement: replacement.to_owned(),
    };
    bench.names.set(
        "kt.example",
        NAPTR,
        Reply::Records(
            60,
            vec![
                names::naptr(10, 1, "s", "SIPS+D2T", "_sips._tcp.kt.example"),
                names::naptr(10, 2, "s", "SIP+D2U", "_sip._udp.kt.example"),
            ],
        ),
    );
    bench.names.set(
        "_sips._tcp.kt.example",
        SRV,
        Reply::Records(60, vec![names::srv(0, 5, 5061, "a.kt.example"), names::srv(1, 0, 5071, ".")]),
    );
    bench.names.set(
        "a.kt.example",
        A,
        Reply::Records(60, vec![names::address("192.0.2.1"), names::address("192.0.2.2")]),
    );
    bench.names.set("a.kt.example", AAAA, Reply::Records(60, vec![names::address("2001:db8::1")]));
    bench.names.set("v6.kt.example", AAAA, Reply::Records(60, vec![names::address("2001:db8::2")]));

    let found = bench.ask(Question::Naptr("kt.example".to_owned()));
    let expected = vec![naptr(1, "SIPS+D2T", "_sips._tcp.kt.example"), naptr(2, "SIP+D2U", "_sip._udp.kt.example")];
    assert_eq!(found, Answer::Naptr(expected));
    let srv = |priority, weight, port, target: &str| Srv { priority, weight, port, target: target.to_owned() };
    let found = bench.ask(Question::Srv("_sips._tcp.KT.example".to_owned()));
    assert_eq!(found, Answer::Srv(vec![srv(0, 5, 5061, "a.kt.example"), srv(1, 0, 5071, ".")]));
    for (name, addresses) in [
        ("a.kt.example", &["192.0.2.1", "192.0.2.2", "2001:db8::1"][..]),
        ("v6.kt.example", &["2001:db8::2"]),
        ("none.kt.example", &[]),
        ("kt.example", &[]),
        ("not a name", &[]),
    ] {
        let Answer::Addresses(mut found) = bench.ask(Question::Addresses(name.to_owned())) else { panic!("{name}") };
        found.sort();
        let expected: Vec<std::net::IpAddr> = addresses.iter().map(|text| text.parse().expect("an address")).collect();
        assert_eq!(found, expected, "{name}");
    }
    assert_eq!(bench.ask(Question::Srv("_sip._udp.none.example".to_owned())), Answer::Srv(Vec::new()));
}

#[test]
fn a_broken_server_is_a_failure_and_no_missing_name() {
    let mut bench = Bench::new();
    bench.names.set("broken.example", SRV, Reply::Broken);
    bench.names.set("broken.example", A, Reply::Broken);
    bench.names.set("broken.example", AAAA, Reply::Broken);
    assert_eq!(bench.ask(Question::Srv("broken.example".to_owned())), Answer::Failed);
    assert_eq!(bench.ask(Question::Addresses("broken.example".to_owned())), Answer::Failed);
}

#[test]
fn a_silent_server_is_a_failure_in_bounded_time() {
    let mut bench = Bench::new();
    bench.names.set("silent.example", NAPTR, Reply::Silence);
    assert_eq!(bench.ask(Question::Naptr("silent.example".to_owned())), Answer::Failed);
}

#[test]
fn an_answer_is_believed_for_its_time_to_live() {
    let mut bench = Bench::new();
    bench.names.set("a.example", A, Reply::Records(3600, vec![names::address("192.0.2.1")]));
    // The server says nothing of how long an absence lasts, so nobody believes in one.
    bench.names.set("a.example", AAAA, Reply::Records(3600, vec![names::address("2001:db8::1")]));
    let question = Question::Addresses("a.example".to_owned());
    let first = bench.ask(question.clone());
    let asked = bench.names.asked();
    assert_eq!(bench.ask(question), first);
    assert_eq!(bench.names.asked(), asked, "nobody was asked again");
    bench.names.set("short.example", A, Reply::Records(0, vec![names::address("192.0.2.1")]));
    let question = Question::Addresses("short.example".to_owned());
    bench.ask(question.clone());
    bench.names.set("short.example", A, Reply::Records(0, vec![names::address("192.0.2.2")]));
    assert_eq!(bench.ask(question), Answer::Addresses(vec!["192.0.2.2".parse().expect("an address")]));
}

#[test]
fn the_machine_knows_its_own_name_without_a_server() {
    let mut bench = Bench::new();
    let Answer::Addresses(found) = bench.ask(Question::Addresses("localhost".to_owned())) else { panic!("no answer") };
    assert!(found.iter().any(|ip| ip.is_loopback()), "{found:?}");
    assert_eq!(bench.names.asked(), 0);
}
