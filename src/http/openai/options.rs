//! How tokens are chosen, and the shape that they are held to.

use ::models::{OutputShape, Sampling, ToolChoice, ToolSpec};
use serde_json::Value;

use super::request::{CompletionRequest, ResponseFormat, ToolIn};
use crate::problem::Problem;

/// Temperature where none is named. OpenAI's is 1; small models ramble at that.
const TEMPERATURE: f32 = 0.7;

/// Refuses what can't be given.
pub(super) fn refuse_unknown_ways(request: &CompletionRequest) -> Result<(), Problem> {
    if request.n.is_some_and(|n| n != 1) {
        return Err(Problem::invalid("n", "must be 1: one answer is written at a time"));
    }
    if request.logprobs == Some(true) {
        return Err(Problem::invalid("logprobs", "are not offered"));
    }
    Ok(())
}

/// How tokens are chosen; `seed` where the request names none.
pub(super) fn sampling(request: &CompletionRequest, seed: u32) -> Sampling {
    // Its lower half: what a caller repeats is repeated.
    let asked = request.seed.map(|seed| u32::try_from(seed & 0xffff_ffff).unwrap_or(0));
    let seed = asked.unwrap_or(seed);
    let temperature = request.temperature.unwrap_or(TEMPERATURE);
    let base = if temperature > 0.0 {
        Sampling::warm(temperature, seed)
    } else {
        Sampling { temperature, seed, ..Sampling::GREEDY }
    };
    Sampling {
        top_p: request.top_p.unwrap_or(base.top_p),
        frequency_penalty: request.frequency_penalty.unwrap_or(0.0),
        presence_penalty: request.presence_penalty.unwrap_or(0.0),
        ..base
    }
}

/// The shape of the answer.
pub(super) fn output(request: &CompletionRequest) -> Result<OutputShape, Problem> {
    let shape = match &request.response_format {
        None => OutputShape::Text,
        Some(format) => json_shape(format)?,
    };
    let tools = request.tools.as_deref().unwrap_or_default();
    let choice = tool_choice(request.tool_choice.as_ref(), !tools.is_empty())?;
    let Some(choice) = choice else { return Ok(shape) };
    if shape != OutputShape::Text {
        let reason = "can't be held to together with tools; set tool_choice to none for it";
        return Err(Problem::invalid("response_format", reason));
    }
    let tools = tools.iter().enumerate().map(|(i, tool)| tool_spec(i, tool));
    Ok(OutputShape::Tools { tools: tools.collect::<Result<_, _>>()?, choice })
}

fn json_shape(format: &ResponseFormat) -> Result<OutputShape, Problem> {
    match format.r#type.as_str() {
        "text" => Ok(OutputShape::Text),
        "json_object" => Ok(OutputShape::Json { schema: r#"{"type":"object"}"#.to_owned() }),
        "json_schema" => {
            let schema = format.json_schema.as_ref().and_then(|named| named.schema.as_ref());
            let schema = schema.filter(|schema| schema.is_object());
            let missing =
                || Problem::invalid("response_format.json_schema.schema", "must be a JSON schema");
            Ok(OutputShape::Json { schema: schema.ok_or_else(missing)?.to_string() })
        }
        _ => {
            let wanted = "must be text, json_object or json_schema";
            Err(Problem::invalid("response_format.type", wanted))
        }
    }
}

/// `None` where no tool may be called.
fn tool_choice(choice: Option<&Value>, has_tools: bool) -> Result<Option<ToolChoice>, Problem> {
    let choice = match choice {
        None | Some(Value::Null) => has_tools.then_some(ToolChoice::Auto),
        Some(Value::String(word)) => match word.as_str() {
            "none" => None,
            "auto" => has_tools.then_some(ToolChoice::Auto),
            "required" => Some(ToolChoice::Required),
            _ => return Err(bad_choice()),
        },
        Some(named) => {
            let name = named["function"]["name"].as_str().ok_or_else(bad_choice)?;
            Some(ToolChoice::Named(name.to_owned()))
        }
    };
    if choice.is_some() && !has_tools {
        return Err(Problem::invalid("tool_choice", "names a tool, and `tools` has none"));
    }
    Ok(choice)
}

fn bad_choice() -> Problem {
    Problem::invalid("tool_choice", "must be none, auto, required, or an object with function.name")
}

fn tool_spec(i: usize, tool: &ToolIn) -> Result<ToolSpec, Problem> {
    if tool.r#type != "function" {
        return Err(Problem::invalid(format!("tools[{i}].type"), "must be function"));
    }
    let parameters = match &tool.function.parameters {
        None | Some(Value::Null) => r#"{"type":"object","properties":{}}"#.to_owned(),
        Some(schema) if schema.is_object() => schema.to_string(),
        Some(_) => {
            let field = format!("tools[{i}].function.parameters");
            return Err(Problem::invalid(field, "must be a JSON schema"));
        }
    };
    Ok(ToolSpec {
        name: tool.function.name.clone(),
        description: tool.function.description.clone().unwrap_or_default(),
        parameters,
    })
}
