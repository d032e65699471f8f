use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::quota::Neighbourhood;

/// Who has how many of something that there are only so many of: one address can't have them all.
#[derive(Debug)]
pub struct Crowd {
    most: usize,
    inside: Mutex<HashMap<Neighbourhood, usize>>,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub struct Place {
    crowd: Arc<Crowd>,
    of: Neighbourhood,
}

impl Crowd {
    /// Lets each address have `most` at a time.
    pub fn of(most: usize) -> Arc<Self> {
        Arc::new(Self { most, inside: Mutex::default() })
    }

    /// One more for `address`; none when it has as many as it may.
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let of = Neighbourhood::from(address.to_canonical());
        let mut inside = self.inside();
        let count = inside.entry(of).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Place { crowd: Arc::clone(self), of })
    }

    fn inside(&self) -> MutexGuard<'_, HashMap<Neighbourhood, usize>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = self.crowd.inside().entry(self.of) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_only_so_many_and_may_come_again_when_it_gave_one_back() {
        let crowd = Crowd::of(2);
        let (one, other): (IpAddr, IpAddr) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let first = crowd.enter(one).unwrap();
        let second = crowd.enter(one).unwrap();
        assert!(crowd.enter(one).is_none());
        let third = crowd.enter(other).unwrap();
        drop(first);
        let again = crowd.enter(one).unwrap();
        assert!(crowd.enter(one).is_none());
        drop((second, third, again));
        assert!(crowd.inside().is_empty(), "nobody is remembered who has none");
    }
}
