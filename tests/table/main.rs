//! The table: what the checker, the explorer and the chart make of it, what its operators see, and the words and sounds of its prompts.

#[path = "../common/tables.rs"]
mod tables;

mod chart;
mod hours_of_rows;
mod includes;
mod inputs;
mod joined;
mod languages;
mod messages;
mod openings;
mod phrases;
mod post_dial;
mod prompt_names;
mod pronunciation;
mod proof;
mod routing_diagnostics;
mod routing_mutations;
mod routing_plan;
mod routing_robust;
mod routing_schema;
mod routing_shipped;
mod slots;
mod slots_checked;
mod slow;
mod spoken;
mod table_diff;
mod table_tests;
