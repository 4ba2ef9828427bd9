//! The linkage flow chart (연계흐름도) of a table: which keys lead a caller from a number to whom, and what happens after
//! hours and on failure.
//!
//! [`model`] reads it out of the plan; [`svg`] lays it out for an A3 page, [`markup`] writes it for Mermaid and Graphviz.

pub mod markup;
mod measure;
pub mod model;
pub mod svg;

pub use model::Model;
