//! The log daemon of this machine: an RFC 5424 message per checkpoint, over its datagram socket. From
//! there the daemon may send it on; this process opens no connection to another machine.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use base::Timestamp;

/// What stands before a checkpoint in a message: `<mark> <origin> <size> <root> <signature>`, in
/// base64 the last two, and behind them the note's extension line when it has one, so that the
/// signed note can be put together again.
pub const SYSLOG_MARK: &str = "millwright-checkpoint";

/// Facility 13 (log audit), severity 5 (notice): 13 · 8 + 5.
const PRIORITY: u8 = 109;

pub(super) struct Syslog {
    socket: PathBuf,
}

impl Syslog {
    pub(super) const fn new(socket: PathBuf) -> Self {
        Self { socket }
    }

    /// Hands a signed note to the daemon.
    pub(super) fn send(&self, note: &str, now: Timestamp) -> std::io::Result<()> {
        let socket = UnixDatagram::unbound()?;
        // A daemon that does not read must not hold the thread.
        socket.set_nonblocking(true)?;
        socket.send_to(message(note, now).as_bytes(), &self.socket)?;
        Ok(())
    }
}

/// RFC 5424 section 6: no host name, which the daemon knows better, and no structured data, which
/// daemons drop that keep the older format.
fn message(note: &str, now: Timestamp) -> String {
    let mut lines = note.lines();
    let mut next = || lines.next().unwrap_or_default();
    let (origin, size, root) = (next(), next(), next());
    // There is at most one.
    let extension = Some(next()).filter(|line| !line.is_empty()).map(|line| format!(" {line}"));
    let extension = extension.unwrap_or_default();
    let signature = note.trim_end().rsplit(' ').next().unwrap_or_default();
    format!(
        "<{PRIORITY}>1 {now} - millwright {} checkpoint - {SYSLOG_MARK} {origin} {size} {root} \
         {signature}{extension}",
        std::process::id()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_with_all_of_the_note() {
        let note = "millwright/appliance\n7\nCsUY=\n\n— millwright/appliance Az3g\n";
        let text = message(note, Timestamp::from_unix_ms(1_795_000_000_123));
        let expected = "millwright-checkpoint millwright/appliance 7 CsUY= Az3g";
        assert!(text.starts_with("<109>1 2026-11-18T11:06:40.123Z - millwright "), "{text}");
        assert!(text.ends_with(expected) && !text.contains('\n'), "{text}");
        let note = "millwright/appliance\n7\nCsUY=\nat-rest 0a\n\n— millwright/appliance Az3g\n";
        let text = message(note, Timestamp::from_unix_ms(1_795_000_000_123));
        assert!(text.ends_with("CsUY= Az3g at-rest 0a"), "{text}");
    }
}
