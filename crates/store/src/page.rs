//! Keyset pages by a moment and an id: newest first, and oldest first.

use curfew_domain::PageRequest;
use sea_orm::{ColumnTrait, Condition};

/// What comes after the page's position in a list by (moment, id), both falling. Everything, when it has none.
///
/// Order by both columns, read [`curfew_domain::PageLimit::rows_to_read`] rows, and cut with
/// [`curfew_domain::Page::cut`].
pub(crate) fn after<C: ColumnTrait>((moment, id): (C, C), page: &PageRequest) -> Condition {
    // A position that does not fit can't come from this list: callers see positions sealed to their list.
    let Some((at, last)) = page.after.as_ref().and_then(curfew_domain::Cursor::moment_and_id) else {
        return Condition::all();
    };
    let earlier = moment.lt(at.micros());
    let same_moment = Condition::all().add(moment.eq(at.micros())).add(id.lt(last));
    // The first bound alone can use the index; the second breaks ties.
    Condition::all().add(moment.lte(at.micros())).add(Condition::any().add(earlier).add(same_moment))
}

/// The same in a list where both rise.
pub(crate) fn following<C: ColumnTrait>((moment, id): (C, C), page: &PageRequest) -> Condition {
    let Some((at, last)) = page.after.as_ref().and_then(curfew_domain::Cursor::moment_and_id) else {
        return Condition::all();
    };
    let later = moment.gt(at.micros());
    let same_moment = Condition::all().add(moment.eq(at.micros())).add(id.gt(last));
    Condition::all().add(moment.gte(at.micros())).add(Condition::any().add(later).add(same_moment))
}
