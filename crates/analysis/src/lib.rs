//! What is true of a tenant's policies for every request there could be: proved, or refuted by one that was replayed.
//!
//! Cedar's symbolic compiler puts the question, and an SMT solver (cvc5), a program of its own, answers it.
