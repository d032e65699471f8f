//! What the model checker takes for granted, proved by a walk of our own: that no story goes in a circle, so that each
//! comes to its end; and that states which it takes for the same go on the same way.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use stateright::Model;

use super::model::Stories;
use super::rules::Rules;
use super::world::State;

/// What was found on the way.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// A story that may go on for ever: its states.
    Circle(Vec<State>),
    /// Two states that are taken for the same, and what follows differs.
    Unlike(Box<(State, State)>),
}

/// Where the walk is with a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    OnTheWay,
    Done,
}

/// A state on the way, and what may follow that was not looked at yet.
struct Stop {
    state: State,
    mark: u64,
    ahead: Vec<State>,
}

/// Walks through all states. Says how many there are.
pub(crate) fn walk<R: Rules>(stories: &Stories<R>) -> Result<usize, Finding> {
    let mut seen = HashMap::new();
    for state in stories.init_states() {
        walk_from(stories, state, &mut seen)?;
    }
    Ok(seen.len())
}

fn walk_from<R: Rules>(
    stories: &Stories<R>,
    state: State,
    seen: &mut HashMap<u64, (Seen, State)>,
) -> Result<(), Finding> {
    let mut way = vec![stop_at(stories, state, seen)];
    while let Some(stop) = way.last_mut() {
        let Some(next) = stop.ahead.pop() else {
            if let Some((how, _)) = seen.get_mut(&stop.mark) {
                *how = Seen::Done;
            }
            way.pop();
            continue;
        };
        match seen.get(&mark(&next)) {
            None => way.push(stop_at(stories, next, seen)),
            Some((Seen::OnTheWay, _)) => {
                let circle =
                    way.into_iter().map(|stop| stop.state).skip_while(|state| mark(state) != mark(&next));
                return Err(Finding::Circle(circle.collect()));
            }
            Some((Seen::Done, known)) => {
                if *known != next && marks_ahead(stories, known) != marks_ahead(stories, &next) {
                    return Err(Finding::Unlike(Box::new((known.clone(), next))));
                }
            }
        }
    }
    Ok(())
}

fn stop_at<R: Rules>(stories: &Stories<R>, state: State, seen: &mut HashMap<u64, (Seen, State)>) -> Stop {
    let mark = mark(&state);
    seen.insert(mark, (Seen::OnTheWay, state.clone()));
    let ahead = stories.next_states(&state);
    Stop { state, mark, ahead }
}

fn mark(state: &State) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

fn marks_ahead<R: Rules>(stories: &Stories<R>, state: &State) -> Vec<u64> {
    let mut marks: Vec<u64> = stories.next_states(state).iter().map(mark).collect();
    marks.sort_unstable();
    marks
}
