//! The name system (RFC 3263): answers the engine's questions on a thread of its own.
//!
//! Asks the servers of the settings or the system, and /etc/hosts for addresses. Names are whole: no search list is tried, since a
//! domain of a SIP URI is never relative. Answers are believed for their time to live, and no longer than the bounds in `limits`.

#[cfg(test)]
mod tests;

use crate::limits::{
    DNS_ANSWERS_CACHED_MAX, DNS_ATTEMPT_TIMEOUT, DNS_ATTEMPTS, DNS_BELIEVED_MAX, DNS_MISSING_BELIEVED_MAX,
    DNS_QUESTION_TIMEOUT, DNS_QUESTIONS_OPEN_MAX,
};
use crate::shell::inbox::{Inbox, Message};
use crate::sip::locate::{Answer, LookupKey, Naptr, Question, Srv};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::LocalSet;
use tokio::time::timeout;
use tracing::{debug, warn};

/// The engine's end of the resolver. Dropping it ends the thread.
#[derive(Clone, Debug)]
pub struct Handle(mpsc::Sender<(LookupKey, Question)>);

impl Handle {
    /// Asks; false when too many questions wait already.
    pub fn ask(&self, lookup: LookupKey, question: Question) -> bool {
        self.0.try_send((lookup, question)).is_ok()
    }
}

/// Starts the thread; no servers means those of the system.
pub fn start(servers: Vec<SocketAddr>, inbox: Arc<Inbox>) -> io::Result<(Handle, JoinHandle<()>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (sender, questions) = mpsc::channel(DNS_QUESTIONS_OPEN_MAX);
    let thread = std::thread::Builder::new().name("names".to_owned()).spawn(move || {
        let local = LocalSet::new();
        local.block_on(&runtime, answer_all(servers, questions, inbox));
        // Questions still open have nobody left who waits for them.
    })?;
    Ok((Handle(sender), thread))
}

/// Whether a host has an address, or a SIP service by RFC 3263, as the system's name servers say; `None` where none could.
pub fn known(host: &str) -> Option<bool> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    runtime.block_on(async {
        let resolver = make(&[]).ok()?;
        let services =
            ["_sips._tcp", "_sip._tcp", "_sip._udp"].map(|service| Question::Srv(format!("{service}.{host}")));
        let questions = [Question::Addresses(host.to_owned()), Question::Naptr(host.to_owned())];
        let mut unsaid = false;
        for question in questions.into_iter().chain(services) {
            match timeout(DNS_QUESTION_TIMEOUT, ask(&resolver, &question)).await.unwrap_or(Answer::Failed) {
                Answer::Addresses(found) if !found.is_empty() => return Some(true),
                Answer::Naptr(found) if !found.is_empty() => return Some(true),
                Answer::Srv(found) if !found.is_empty() => return Some(true),
                Answer::Failed | Answer::Local(_) => unsaid = true,
                Answer::Addresses(_) | Answer::Naptr(_) | Answer::Srv(_) => {}
            }
            // Who does not answer once will not answer four more times.
            if unsaid {
                return None;
            }
        }
        Some(false)
    })
}

async fn answer_all(servers: Vec<SocketAddr>, mut questions: mpsc::Receiver<(LookupKey, Question)>, inbox: Arc<Inbox>) {
    let mut resolver: Option<Rc<TokioResolver>> = None;
    let open = Arc::new(Semaphore::new(DNS_QUESTIONS_OPEN_MAX));
    while let Some((lookup, question)) = questions.recv().await {
        // Made when it is first needed: who calls nobody by name needs no servers.
        let made = match &resolver {
            Some(resolver) => Some(Rc::clone(resolver)),
            None => make(&servers).map(Rc::new).inspect_err(|error| warn!(%error, "no resolver")).ok(),
        };
        resolver.clone_from(&made);
        let (Some(resolver), Ok(permit)) = (made, Arc::clone(&open).try_acquire_owned()) else {
            inbox.push(Message::LookedUp { lookup, answer: Answer::Failed });
            continue;
        };
        let inbox = Arc::clone(&inbox);
        tokio::task::spawn_local(async move {
            let answer = timeout(DNS_QUESTION_TIMEOUT, ask(&resolver, &question)).await.unwrap_or(Answer::Failed);
            debug!(?question, ?answer, "looked up");
            inbox.push(Message::LookedUp { lookup, answer });
            drop(permit);
        });
    }
}

fn make(servers: &[SocketAddr]) -> Result<TokioResolver, NetError> {
    let mut builder = if servers.is_empty() {
        TokioResolver::builder_tokio()?
    } else {
        let servers = servers.iter().map(|server| {
            let mut config = NameServerConfig::udp_and_tcp(server.ip());
            for connection in &mut config.connections {
                connection.port = server.port();
            }
            config
        });
        let config = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
    };
    let options = builder.options_mut();
    options.timeout = DNS_ATTEMPT_TIMEOUT;
    options.attempts = DNS_ATTEMPTS;
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.use_hosts_file = ResolveHosts::Always;
    options.cache_size = DNS_ANSWERS_CACHED_MAX;
    options.positive_max_ttl = Some(DNS_BELIEVED_MAX);
    options.negative_max_ttl = Some(DNS_MISSING_BELIEVED_MAX);
    builder.build()
}

async fn ask(resolver: &TokioResolver, question: &Question) -> Answer {
    match question {
        Question::Naptr(domain) => {
            let found = records(resolver, domain, RecordType::NAPTR, |data| match data {
                RData::NAPTR(naptr) => Some(Naptr {
                    order: naptr.order,
                    preference: naptr.preference,
                    flags: text(&naptr.flags),
                    service: text(&naptr.services),
                    replacement: host(&naptr.replacement),
                }),
                _ => None,
            });
            found.await.map_or(Answer::Failed, Answer::Naptr)
        }
        Question::Srv(name) => {
            let found = records(resolver, name, RecordType::SRV, |data| match data {
                RData::SRV(srv) => {
                    Some(Srv { priority: srv.priority, weight: srv.weight, port: srv.port, target: host(&srv.target) })
                }
                _ => None,
            });
            found.await.map_or(Answer::Failed, Answer::Srv)
        }
        Question::Addresses(name) => {
            let Some(name) = whole(name) else { return Answer::Addresses(Vec::new()) };
            match resolver.lookup_ip(name).await {
                Ok(found) => Answer::Addresses(found.iter().collect()),
                Err(error) if error.is_no_records_found() => Answer::Addresses(Vec::new()),
                Err(_) => Answer::Failed,
            }
        }
        // Our own sockets are the engine thread's.
        Question::Local { .. } => Answer::Failed,
    }
}

/// What a name has of one type; `None` when nobody could say.
async fn records<T>(
    resolver: &TokioResolver,
    name: &str,
    kind: RecordType,
    read: impl Fn(&RData) -> Option<T>,
) -> Option<Vec<T>> {
    let Some(name) = whole(name) else { return Some(Vec::new()) };
    match resolver.lookup(name, kind).await {
        Ok(found) => Some(found.answers().iter().filter_map(|Record { data, .. }| read(data)).collect()),
        Err(error) if error.is_no_records_found() => Some(Vec::new()),
        Err(error) => {
            debug!(%error, "name system");
            None
        }
    }
}

/// A name without a search list; `None` when it cannot be one.
fn whole(name: &str) -> Option<Name> {
    let mut name = Name::from_ascii(name).ok()?;
    name.set_fqdn(true);
    Some(name)
}

/// A name as a URI writes it: without the dot at its end, unless it is the root, which says that there is no service.
fn host(name: &Name) -> String {
    let text = name.to_ascii();
    match text.strip_suffix('.') {
        Some(rest) if !rest.is_empty() => rest.to_owned(),
        _ => text,
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
