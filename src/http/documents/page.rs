//! GET …/revisions/{revision_id}/pages/{page}

use base::{DocumentId, PageNumber, RevisionId};
use knowledge::PageText;
use parse::{BBox, Block, BlockKind, Line, Table};
use policy::documents;
use serde::Serialize;
use utoipa::ToSchema;

use crate::call::Authorized;
use crate::input::Id;
use crate::output::Ok200;
use crate::problem::Problem;

/// A rectangle on its page as displayed, in points of 1/72 inch; origin top left, y down.
#[derive(Serialize, ToSchema)]
struct PlaceView {
    left: f32,
    top: f32,
    right: f32,
    bottom: f32,
}

impl From<&BBox> for PlaceView {
    fn from(b: &BBox) -> Self {
        Self { left: b.left, top: b.top, right: b.right, bottom: b.bottom }
    }
}

#[derive(Serialize, ToSchema)]
struct LineView {
    text: String,
    /// Absent for formats without fixed pages.
    #[serde(rename = "box")]
    place: Option<PlaceView>,
}

impl From<&Line> for LineView {
    fn from(line: &Line) -> Self {
        Self { text: line.text.clone(), place: line.bbox.as_ref().map(PlaceView::from) }
    }
}

#[derive(Serialize, ToSchema)]
struct CellView {
    text: String,
    /// How many columns it covers.
    column_span: u32,
}

#[derive(Serialize, ToSchema)]
struct TableView {
    /// How many of the first rows are its header.
    header_rows: u32,
    rows: Vec<Vec<CellView>>,
}

impl From<&Table> for TableView {
    fn from(table: &Table) -> Self {
        let cells = |row: &parse::TableRow| {
            let cells = row.cells.iter();
            cells.map(|c| CellView { text: c.text.clone(), column_span: c.column_span }).collect()
        };
        Self { header_rows: table.header_rows, rows: table.rows.iter().map(cells).collect() }
    }
}

/// A piece of a page that belongs together.
#[derive(Serialize, ToSchema)]
#[schema(as = Block)]
struct BlockView {
    /// `heading`, `paragraph`, `list_item`, `table`, `caption`, `code` or `page_furniture`.
    kind: &'static str,
    /// Of a heading or list item, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<u8>,
    lines: Vec<LineView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<TableView>,
}

impl From<&Block> for BlockView {
    fn from(block: &Block) -> Self {
        let (kind, level) = match &block.kind {
            BlockKind::Heading { level } => ("heading", Some(*level)),
            BlockKind::Paragraph => ("paragraph", None),
            BlockKind::ListItem { level } => ("list_item", Some(*level)),
            BlockKind::Table(_) => ("table", None),
            BlockKind::Caption => ("caption", None),
            BlockKind::Code => ("code", None),
            BlockKind::PageFurniture => ("page_furniture", None),
        };
        Self {
            kind,
            level,
            lines: block.lines.iter().map(LineView::from).collect(),
            table: block.table().map(TableView::from),
        }
    }
}

/// A page of a revision.
#[derive(Serialize, ToSchema)]
#[schema(as = PageText)]
pub(super) struct PageView {
    #[schema(format = "uuid")]
    revision_id: String,
    page: u32,
    page_count: Option<u32>,
    /// In points of 1/72 inch; 0 for formats without fixed pages.
    width_pt: f32,
    height_pt: f32,
    /// `text`, `needs_ocr` or `failed`.
    state: &'static str,
    reason: Option<String>,
    /// In reading order.
    blocks: Vec<BlockView>,
}

impl From<&PageText> for PageView {
    fn from(page: &PageText) -> Self {
        Self {
            revision_id: page.revision_id.to_string(),
            page: page.page.0,
            page_count: page.page_count,
            width_pt: page.width_pt,
            height_pt: page.height_pt,
            state: page.state.as_str(),
            reason: page.reason.clone(),
            blocks: page.blocks.iter().map(BlockView::from).collect(),
        }
    }
}

pub(super) async fn page_get(
    call: Authorized<documents::Read>,
    (Id(document), Id(revision), Id(page)): (Id<DocumentId>, Id<RevisionId>, Id<PageNumber>),
) -> Result<Ok200<PageView>, Problem> {
    let text = knowledge::page_text(call.permit()?, document, revision, page).await?;
    Ok(Ok200(PageView::from(&text)))
}
