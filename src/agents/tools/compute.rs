//! `calculate` and `convert_units`.

use base::Classification;
use models::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};

use super::calculate::{CalcError, Calculated, calculate, convert};
use super::model::{SideEffect, Tool, ToolEnv, ToolFailure, ToolInfo, ToolOutput};
use super::registry::{ToolboxError, arguments, parameters};

/// Computes an expression with units.
pub(super) struct Calculate {
    info: ToolInfo,
}

impl Calculate {
    pub(super) fn new() -> Result<Self, ToolboxError> {
        let properties = json!({
            "expression": {
                "type": "string", "minLength": 1, "maxLength": 1000,
                "description": "such as `2 pi * 1450 rpm * 50 N m to kW`",
            },
        });
        let info = ToolInfo {
            name: "calculate",
            description: "Computes an expression exactly. + - * / ^, parentheses, sqrt, abs, min, \
                          max, round, sin, cos, ln and others, pi; numbers with units (mm, in, kg, \
                          N, Nm, bar, psi, °C, kW, V, l, rpm, % and others), whose dimensions are \
                          checked. `to` and a unit at the end converts the result. Use it for \
                          every calculation instead of working it out yourself.",
            parameters: parameters("calculate", &properties, &["expression"])?,
            side_effect: SideEffect::None,
            ceiling: Classification::Restricted,
            permission: None,
        };
        Ok(Self { info })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expression {
    expression: String,
}

impl Tool for Calculate {
    fn info(&self) -> &ToolInfo {
        &self.info
    }

    fn run<'a>(
        &'a self,
        _env: &'a ToolEnv<'a>,
        value: Value,
    ) -> BoxFuture<'a, Result<ToolOutput, ToolFailure>> {
        Box::pin(async move {
            let Expression { expression } = arguments(value)?;
            output(calculate(&expression))
        })
    }
}

/// Converts a number from one unit to another.
pub(super) struct ConvertUnits {
    info: ToolInfo,
}

impl ConvertUnits {
    pub(super) fn new() -> Result<Self, ToolboxError> {
        let properties = json!({
            "value": { "type": "number" },
            "from": { "type": "string", "minLength": 1, "maxLength": 40 },
            "to": { "type": "string", "minLength": 1, "maxLength": 40 },
        });
        let info = ToolInfo {
            name: "convert_units",
            description: "Converts a number from one unit to another, such as 10 from `bar` to \
                          `psi` or 80 from `°C` to `°F`. A difference of temperatures is in ΔK, \
                          Δ°C or Δ°F.",
            parameters: parameters("convert_units", &properties, &["value", "from", "to"])?,
            side_effect: SideEffect::None,
            ceiling: Classification::Restricted,
            permission: None,
        };
        Ok(Self { info })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Conversion {
    value: f64,
    from: String,
    to: String,
}

impl Tool for ConvertUnits {
    fn info(&self) -> &ToolInfo {
        &self.info
    }

    fn run<'a>(
        &'a self,
        _env: &'a ToolEnv<'a>,
        value: Value,
    ) -> BoxFuture<'a, Result<ToolOutput, ToolFailure>> {
        Box::pin(async move {
            let Conversion { value, from, to } = arguments(value)?;
            output(convert(value, &from, &to))
        })
    }
}

fn output(result: Result<Calculated, CalcError>) -> Result<ToolOutput, ToolFailure> {
    let result =
        result.map_err(|error| ToolFailure::new("calculation_failed", error.to_string()))?;
    Ok(ToolOutput::computed(json!({
        "value": result.value, "unit": result.unit, "text": result.text,
    })))
}
