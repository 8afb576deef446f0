//! Rows of `messages` and `citations`.

use base::{
    ChunkId, ConversationId, DocumentId, Label, MessageId, Origin, PageNumber, RevisionId,
    Timestamp, UserId,
};
use store::sql::{Row, id_bytes, params};
use store::{ReadTx, StoreError, WriteTx};

use crate::conversations::{Author, Message};
use crate::generated::Turn;
use crate::model::{Citation, Receipt, Refusal};

use super::label;

/// A message to be stored.
pub(crate) struct MessageInsert<'a> {
    pub(crate) id: MessageId,
    pub(crate) conversation: ConversationId,
    pub(crate) sequence: u32,
    pub(crate) author: Author,
    pub(crate) text: &'a str,
    pub(crate) label: Label,
    pub(crate) refusal: Option<Refusal>,
    pub(crate) receipt: Option<String>,
}

pub(crate) fn message_next_sequence(
    tx: &ReadTx<'_>,
    conversation: ConversationId,
) -> Result<u32, StoreError> {
    tx.query_row(
        "SELECT coalesce(max(sequence), 0) + 1 FROM messages WHERE conversation_id = ?1",
        [conversation.as_bytes()],
        |row| row.get(0),
    )
}

pub(crate) fn message_insert(tx: &WriteTx<'_>, new: &MessageInsert<'_>) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO messages (id, conversation_id, sequence, author, text, classification,
             export_control, refusal, receipt, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            new.id.as_bytes(),
            new.conversation.as_bytes(),
            new.sequence,
            new.author.as_str(),
            new.text,
            new.label.classification.as_str(),
            new.label.export_control.as_str(),
            new.refusal.map(Refusal::as_str),
            new.receipt,
            tx.now().unix_ms(),
        ],
    )?;
    Ok(())
}

pub(crate) fn citation_insert(
    tx: &WriteTx<'_>,
    message: MessageId,
    citation: &Citation,
) -> Result<(), StoreError> {
    let boxes = serde_json::to_string(&citation.boxes)
        .map_err(|_| StoreError::Corrupt("citations.boxes"))?;
    tx.execute(
        "INSERT INTO citations (message_id, number, document_id, revision_id, chunk_id, page,
             quote, boxes, score)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            message.as_bytes(),
            citation.number,
            citation.document_id.as_bytes(),
            citation.revision_id.as_bytes(),
            citation.chunk_id.0,
            citation.page.0,
            citation.quote,
            boxes,
            f64::from(citation.score),
        ],
    )?;
    Ok(())
}

/// The messages behind `after`, oldest first, with their citations.
pub(crate) fn messages_after(
    tx: &ReadTx<'_>,
    conversation: ConversationId,
    after: u32,
    limit: u32,
) -> Result<Vec<Message>, StoreError> {
    let rows = tx.query_all(
        "SELECT id, sequence, author, text, classification, export_control, refusal, receipt,
                created_at
         FROM messages WHERE conversation_id = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3",
        params![conversation.as_bytes(), after, limit],
        raw,
    )?;
    let mut messages = rows.into_iter().map(Raw::checked).collect::<Result<Vec<_>, _>>()?;
    for message in &mut messages {
        message.citations = citations_of(tx, message)?;
    }
    Ok(messages)
}

/// What a person said in one message of their own conversation, and that conversation; nothing when it was
/// deleted.
pub(crate) fn message_of_person(
    tx: &ReadTx<'_>,
    id: MessageId,
    owner: UserId,
) -> Result<Option<(ConversationId, String)>, StoreError> {
    let found = tx.query_optional(
        "SELECT m.conversation_id, m.text FROM messages m
         JOIN conversations c ON c.id = m.conversation_id
         WHERE m.id = ?1 AND m.author = 'person' AND c.user_id = ?2 AND c.deleted_at IS NULL",
        params![id.as_bytes(), owner.as_bytes()],
        |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?)),
    )?;
    let Some((conversation, text)) = found else { return Ok(None) };
    let conversation = id_bytes(&conversation, "messages.conversation_id")?;
    Ok(Some((ConversationId::from_bytes(conversation), text)))
}

/// What a person asked last in a conversation, newest first, and the quotes they got.
pub(crate) fn last_questions(
    tx: &ReadTx<'_>,
    conversation: ConversationId,
    limit: u32,
) -> Result<Vec<String>, StoreError> {
    tx.query_all(
        "SELECT text FROM messages WHERE conversation_id = ?1 AND author = 'person'
         ORDER BY sequence DESC LIMIT ?2",
        params![conversation.as_bytes(), limit],
        |row| row.get(0),
    )
}

/// The last messages of a conversation, oldest first, without their citations.
pub(crate) fn last_turns(
    tx: &ReadTx<'_>,
    conversation: ConversationId,
    limit: u32,
) -> Result<Vec<Turn>, StoreError> {
    let rows = tx.query_all(
        "SELECT id, sequence, author, text, classification, export_control, refusal, receipt,
                created_at
         FROM messages WHERE conversation_id = ?1 ORDER BY sequence DESC LIMIT ?2",
        params![conversation.as_bytes(), limit],
        raw,
    )?;
    let turns = rows.into_iter().rev().map(|row| {
        let Message { author, text, label, .. } = row.checked()?;
        Ok(Turn { author, text, label })
    });
    turns.collect()
}

/// The citations of an answer. Names come from the rows of document and revision, which stay when
/// a document is deleted.
fn citations_of(tx: &ReadTx<'_>, message: &Message) -> Result<Vec<Citation>, StoreError> {
    let rows = tx.query_all(
        "SELECT x.number, x.document_id, x.revision_id, x.chunk_id, x.page, x.quote, x.boxes,
                x.score, d.key, d.title, r.number, r.classification, r.export_control,
                (SELECT heading_path FROM chunks WHERE id = x.chunk_id)
         FROM citations x JOIN documents d ON d.id = x.document_id
              JOIN revisions r ON r.id = x.revision_id
         WHERE x.message_id = ?1 ORDER BY x.number",
        [message.id.as_bytes()],
        |row| {
            let ids = (row.get::<_, Vec<u8>>(1)?, row.get::<_, Vec<u8>>(2)?);
            let words: [String; 3] = [row.get(6)?, row.get(11)?, row.get(12)?];
            let score: f64 = row.get(7)?;
            #[expect(clippy::cast_possible_truncation, reason = "it was an f32 when stored")]
            let score = score as f32;
            let citation = Citation {
                number: row.get(0)?,
                document_id: DocumentId::from_bytes([0; 16]),
                document_key: row.get(8)?,
                document_title: row.get(9)?,
                revision_id: RevisionId::from_bytes([0; 16]),
                revision_number: row.get(10)?,
                chunk_id: ChunkId(row.get(3)?),
                page: PageNumber(row.get(4)?),
                heading_path: Vec::new(),
                quote: row.get(5)?,
                boxes: Vec::new(),
                score,
                label: Label::TYPED,
            };
            Ok((citation, ids, words, row.get::<_, Option<String>>(13)?))
        },
    )?;
    let mut citations = Vec::with_capacity(rows.len());
    for (citation, ids, words, path) in rows {
        let ids: (Vec<u8>, Vec<u8>) = ids;
        let words: [String; 3] = words;
        let corrupt = StoreError::Corrupt;
        let path = path.map(|json| serde_json::from_str(&json)).transpose();
        citations.push(Citation {
            document_id: DocumentId::from_bytes(id_bytes(&ids.0, "citations.document_id")?),
            revision_id: RevisionId::from_bytes(id_bytes(&ids.1, "citations.revision_id")?),
            boxes: serde_json::from_str(&words[0]).map_err(|_| corrupt("citations.boxes"))?,
            label: label(&words[1], &words[2], Origin::Document)?,
            heading_path: path.map_err(|_| corrupt("chunks.heading_path"))?.unwrap_or_default(),
            ..citation
        });
    }
    Ok(citations)
}

struct Raw {
    id: Vec<u8>,
    sequence: u32,
    author: String,
    text: String,
    words: [String; 2],
    refusal: Option<String>,
    receipt: Option<String>,
    created_at: i64,
}

fn raw(row: &Row<'_>) -> store::sql::Result<Raw> {
    Ok(Raw {
        id: row.get(0)?,
        sequence: row.get(1)?,
        author: row.get(2)?,
        text: row.get(3)?,
        words: [row.get(4)?, row.get(5)?],
        refusal: row.get(6)?,
        receipt: row.get(7)?,
        created_at: row.get(8)?,
    })
}

impl Raw {
    fn checked(self) -> Result<Message, StoreError> {
        let corrupt = StoreError::Corrupt;
        let author = Author::parse(&self.author).ok_or(corrupt("messages.author"))?;
        let origin = match author {
            Author::Person => Origin::User,
            Author::Appliance => Origin::Document,
        };
        let refusal =
            self.refusal.map(|word| Refusal::parse(&word).ok_or(corrupt("messages.refusal")));
        let receipt: Option<Receipt> = self
            .receipt
            .map(|json| serde_json::from_str(&json))
            .transpose()
            .map_err(|_| corrupt("messages.receipt"))?;
        // The words of a model are no document's.
        let by_model =
            receipt.as_ref().is_some_and(|receipt| receipt.label.origin == Origin::Model);
        let origin = if by_model { Origin::Model } else { origin };
        Ok(Message {
            id: MessageId::from_bytes(id_bytes(&self.id, "messages.id")?),
            sequence: self.sequence,
            author,
            label: label(&self.words[0], &self.words[1], origin)?,
            text: self.text,
            refusal: refusal.transpose()?,
            citations: Vec::new(),
            receipt,
            withheld: false,
            created_at: Timestamp::from_unix_ms(self.created_at),
        })
    }
}
