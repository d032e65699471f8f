//! curfewd
