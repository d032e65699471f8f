//! A written statement with other fields, whose annotations and comments before it stay.

use crate::lexer::tokens;
use crate::problem::Position;
use crate::statement::effect_start;
use crate::{PolicyInvalid, PrincipalName, Problem, RuleShape, Statement};

impl Statement {
    /// The statement that says exactly what `shape` says, behind what is written before this one's effect: its
    /// annotations, and comments.
    pub fn reshaped(&self, shape: &RuleShape) -> Result<Statement, PolicyInvalid> {
        let kept = &self.text()[..effect_start(&tokens(self.text())).unwrap_or(0)];
        let assembled = shape.assemble(None)?;
        let statement = Statement::one(&format!("{kept}{}", assembled.text()))?;
        let keeps_its_annotations = statement.policy().annotations().eq(self.policy().annotations());
        if keeps_its_annotations && RuleShape::of(&statement)? == RuleShape::of(&assembled)? {
            return Ok(statement);
        }
        let hint = "conditions hold `when` and `unless` clauses alone";
        Err(PolicyInvalid(vec![Problem::at(Position::START, "the fields don't form one rule", hint)]))
    }
}

impl RuleShape {
    /// The users and groups that it names.
    pub fn names(&self) -> Result<Vec<PrincipalName>, PolicyInvalid> {
        Ok(self.assemble(None)?.names())
    }
}
