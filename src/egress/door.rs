//! The door: what is allowed, and the one way through.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::body::Bytes;
use hyper::{Request, Response};
use store::{Health, Store, StoreError};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::exchange::{Answer, exchange, prepare};
use crate::outside::{self, Resolver, SystemResolver};
use crate::record::Progress;
use crate::tls::Trust;
use crate::{EgressError, Entry, address};

/// Most addresses of one name that are tried.
const ADDRESSES_MAX: usize = 4;

/// The way out. Cheap to clone.
#[derive(Clone)]
pub struct Door {
    inner: Arc<Inner>,
}

struct Inner {
    allowed: BTreeMap<String, Allowed>,
    resolver: Box<dyn Resolver>,
    /// Where calls are recorded.
    store: Store,
    calls: TaskTracker,
    closing: CancellationToken,
}

/// An entry, ready to be used.
struct Allowed {
    entry: Entry,
    /// `None` for plain HTTP.
    trust: Option<Trust>,
    slots: Semaphore,
}

impl Door {
    /// The door with this allow-list; an empty one refuses everything. Calls are recorded in the
    /// appliance's log of `store`. Blocks on the files of certificates, which are read only here.
    ///
    /// # Errors
    /// [`EgressError::Entry`] for an entry that can't be used or stands there twice,
    /// [`EgressError::Roots`] when its certificates can't be read.
    pub fn open(allow_list: Vec<Entry>, store: Store) -> Result<Self, EgressError> {
        Self::with_resolver(allow_list, store, Box::new(SystemResolver))
    }

    pub(crate) fn with_resolver(
        allow_list: Vec<Entry>,
        store: Store,
        resolver: Box<dyn Resolver>,
    ) -> Result<Self, EgressError> {
        let mut allowed = BTreeMap::new();
        for entry in allow_list {
            let name = entry.connector.clone();
            if allowed.insert(name.clone(), Allowed::of(entry)?).is_some() {
                let reason = "the allow-list has two entries of this name";
                return Err(EgressError::Entry { connector: name, reason });
            }
        }
        let (calls, closing) = (TaskTracker::new(), CancellationToken::new());
        Ok(Self { inner: Arc::new(Inner { allowed, resolver, store, calls, closing }) })
    }

    /// Sends one request by this connector and returns the whole answer, of any status but a
    /// redirect's. Costs a connection, and a write to the audit log: what comes back has been
    /// recorded, and so has what was refused. The call goes to its end, or to its time limit, also
    /// when the caller goes away.
    ///
    /// # Errors
    /// [`EgressError`]; the request has not left when its code ends in `_refused`, or is
    /// `connector_unknown`, `request_too_large`, `busy` or `door_closed`.
    pub async fn send(
        &self,
        connector: &str,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, EgressError> {
        let (inner, connector) = (Arc::clone(&self.inner), connector.to_owned());
        // A task of its own: a caller that goes away must not take the record with it.
        let call =
            self.inner.calls.spawn(async move { inner.call(&connector, request, None).await });
        call.await.unwrap_or(Err(EgressError::Ended))
    }

    /// As [`Door::send`], but the body of a successful answer goes to `pieces` as it comes, and the
    /// answer that comes back has none; any other answer comes back whole. That the call was made is
    /// recorded before the first piece, how it ended at its end. It ends early when nobody receives
    /// the pieces any more.
    ///
    /// # Errors
    /// As [`Door::send`], and [`EgressError::Abandoned`].
    pub async fn stream(
        &self,
        connector: &str,
        request: Request<Bytes>,
        pieces: mpsc::Sender<Bytes>,
    ) -> Result<Response<Bytes>, EgressError> {
        let (inner, connector) = (Arc::clone(&self.inner), connector.to_owned());
        let work = async move { inner.call(&connector, request, Some(pieces)).await };
        self.inner.calls.spawn(work).await.unwrap_or(Err(EgressError::Ended))
    }

    /// Cuts off the calls that are on their way, waits until they are recorded, and refuses
    /// further ones. To be called before the store is closed.
    pub async fn close(&self) {
        self.inner.closing.cancel();
        self.inner.calls.close();
        self.inner.calls.wait().await;
    }
}

impl Allowed {
    fn of(entry: Entry) -> Result<Self, EgressError> {
        entry.validate()?;
        let trust = entry.trust()?;
        let slots = Semaphore::new(entry.limits.calls_max);
        Ok(Self { entry, trust, slots })
    }
}

impl Inner {
    async fn call(
        &self,
        connector: &str,
        request: Request<Bytes>,
        pieces: Option<mpsc::Sender<Bytes>>,
    ) -> Result<Response<Bytes>, EgressError> {
        let started = Instant::now();
        // What can't be recorded must not happen; here it is known beforehand.
        if let Health::ReadOnly(why) = self.store.health() {
            return Err(EgressError::NotRecorded(StoreError::ReadOnly(why.clone())));
        }
        let mut progress = Progress::of(&request);
        let result = tokio::select! {
            biased;
            () = self.closing.cancelled() => Err(EgressError::Closed),
            result = self.attempt(connector, request, pieces, &mut progress) => result,
        };
        let event = progress.event(connector, result.as_ref().err(), started.elapsed());
        self.store.appliance_record(event).await.map_err(EgressError::NotRecorded)?;
        result
    }

    async fn attempt(
        &self,
        connector: &str,
        request: Request<Bytes>,
        pieces: Option<mpsc::Sender<Bytes>>,
        progress: &mut Progress,
    ) -> Result<Response<Bytes>, EgressError> {
        let allowed = self
            .allowed
            .get(connector)
            .ok_or_else(|| EgressError::UnknownConnector(connector.to_owned()))?;
        allowed.entry.check(&request)?;
        let limits = &allowed.entry.limits;
        let _slot = allowed
            .slots
            .try_acquire()
            .map_err(|_| EgressError::Busy { calls_max: limits.calls_max })?;
        let timeout_ms = limits.timeout_ms;
        let max_bytes = limits.response_max_bytes;
        let call = async {
            let answer = self.go(allowed, request, progress).await?;
            match pieces {
                Some(pieces) if answer.is_success() => {
                    let opened = progress.opened(connector);
                    self.store.appliance_record(opened).await.map_err(EgressError::NotRecorded)?;
                    tokio::select! {
                        biased;
                        () = pieces.closed() => Err(EgressError::Abandoned),
                        result = answer.in_pieces(&pieces, max_bytes, progress) => result,
                    }
                }
                _ => answer.whole(max_bytes, progress).await,
            }
        };
        tokio::time::timeout(Duration::from_millis(timeout_ms), call)
            .await
            .unwrap_or(Err(EgressError::TimedOut { timeout_ms }))
    }

    async fn go(
        &self,
        allowed: &Allowed,
        request: Request<Bytes>,
        progress: &mut Progress,
    ) -> Result<Answer, EgressError> {
        let request = prepare(request)?;
        let addresses = self.resolve(&allowed.entry, progress).await?;
        let stream = connect(&allowed.entry, &addresses, progress).await?;
        match &allowed.trust {
            None => exchange(stream, request, progress).await,
            Some(Trust { connector, name }) => {
                let stream =
                    connector.connect(name.clone(), stream).await.map_err(EgressError::Tls)?;
                exchange(stream, request, progress).await
            }
        }
    }

    /// The addresses of the entry's host, asked for once. One that must not be connected to
    /// condemns them all: a name service that says such things is not to be believed.
    async fn resolve(
        &self,
        entry: &Entry,
        progress: &mut Progress,
    ) -> Result<Vec<SocketAddr>, EgressError> {
        let mut found = match entry.host.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => self.resolver.addresses(&entry.host).await.map_err(EgressError::Resolve)?,
        };
        if found.is_empty() {
            let none = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
            return Err(EgressError::Resolve(none));
        }
        for address in &found {
            progress.address = Some(SocketAddr::new(*address, entry.port));
            address::check(*address, entry.loopback)?;
        }
        found.truncate(ADDRESSES_MAX);
        Ok(found.into_iter().map(|address| SocketAddr::new(address, entry.port)).collect())
    }
}

/// Connects to the first of the addresses that accepts. Each gets its share of the time.
async fn connect(
    entry: &Entry,
    addresses: &[SocketAddr],
    progress: &mut Progress,
) -> Result<TcpStream, EgressError> {
    let shares = u64::try_from(addresses.len()).unwrap_or(1).max(1);
    let share = Duration::from_millis(entry.limits.timeout_ms / shares);
    let mut last = EgressError::Ended;
    for address in addresses {
        progress.address = Some(*address);
        let source = match tokio::time::timeout(share, outside::connect(*address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(source)) => source,
            Err(_) => io::ErrorKind::TimedOut.into(),
        };
        last = EgressError::Connect { address: *address, source };
    }
    Err(last)
}
