//! Where the outside world begins: names become addresses, addresses become connections. The one
//! place that may do either.
#![expect(
    clippy::disallowed_methods,
    reason = "this is the door: the door's checks stand between here and every caller"
)]

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;

use tokio::net::TcpStream;

/// The addresses of a name, when they come.
pub(crate) type Addresses<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Asks somebody for the addresses of a name.
pub(crate) trait Resolver: Send + Sync {
    /// The addresses of `host`, which is a name and no address.
    fn addresses<'a>(&'a self, host: &'a str) -> Addresses<'a>;
}

/// Asks the operating system (`/etc/hosts`, then the name service), on a thread that may block.
pub(crate) struct SystemResolver;

impl Resolver for SystemResolver {
    fn addresses<'a>(&'a self, host: &'a str) -> Addresses<'a> {
        Box::pin(async move {
            // The port is no part of the question; it comes back with each answer.
            Ok(tokio::net::lookup_host((host, 0)).await?.map(|found| found.ip()).collect())
        })
    }
}

/// Connects to this address and no other.
pub(crate) async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    // One request, sent at once.
    stream.set_nodelay(true)?;
    Ok(stream)
}
