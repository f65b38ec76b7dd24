//! Finds the entries of a list by a number, in constant time.

/// Stands for "no place".
const NONE: usize = usize::MAX;

/// How many buckets there are at least.
const FEWEST: usize = 8;

/// A hash table from keys to places in a list. Several places may have the same key.
///
/// The list only grows at its end. When the list drops entries, the index is built anew. The collections of the standard
/// library would make the module of the npm package larger by a third.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// The key of each place, and the place before it in the same bucket.
    places: Vec<(Option<u64>, usize)>,
    /// The last place of each bucket. Their number is a power of two.
    buckets: Vec<usize>,
}

impl Index {
    /// Adds the next place of the list. A place without a key is never found.
    pub(super) fn push(&mut self, key: Option<u64>) {
        if self.places.len() >= self.buckets.len() {
            let keys = std::mem::take(&mut self.places);
            self.clear(self.buckets.len().wrapping_mul(2).max(FEWEST));
            for (key, _) in keys {
                self.link(key);
            }
        }
        self.link(key);
    }

    /// Builds the index for a list with these keys.
    pub(super) fn rebuild(&mut self, keys: impl Iterator<Item = Option<u64>>) {
        self.clear(FEWEST);
        keys.for_each(|key| self.push(key));
    }

    /// The places that have this key, the last one first.
    pub(super) fn places(&self, key: u64) -> impl Iterator<Item = usize> {
        let mut next = self.buckets.get(self.bucket(key)).copied();
        std::iter::from_fn(move || {
            let place = next?;
            let (found, before) = *self.places.get(place)?;
            next = Some(before);
            Some((place, found))
        })
        .filter(move |(_, found)| *found == Some(key))
        .map(|(place, _)| place)
    }

    fn clear(&mut self, buckets: usize) {
        self.places.clear();
        self.buckets.clear();
        self.buckets.resize(buckets, NONE);
    }

    fn link(&mut self, key: Option<u64>) {
        let place = self.places.len();
        let bucket = key.map(|key| self.bucket(key)).and_then(|bucket| self.buckets.get_mut(bucket));
        let before = bucket.map_or(NONE, |last| std::mem::replace(last, place));
        self.places.push((key, before));
    }

    /// Fibonacci hashing: the upper bits of the product are spread, whatever the keys have in common.
    fn bucket(&self, key: u64) -> usize {
        let bits = self.buckets.len().trailing_zeros();
        key.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_shr(u64::BITS.wrapping_sub(bits)) as usize
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_by_their_keys_however_many_there_are() {
        for step in [1, 1 << 20, 1 << 44] {
            let mut index = Index::default();
            for nth in 0..40_000u64 {
                index.push((nth % 2 == 0).then_some(nth * step));
            }
            for nth in 0..40_000u64 {
                let expected = (nth % 2 == 0).then_some(nth as usize);
                assert!(index.places(nth * step).eq(expected), "{nth}");
            }
            // No bucket has much to search.
            let mut sizes = vec![0; index.buckets.len()];
            for nth in 0..20_000u64 {
                sizes[index.bucket(nth * 2 * step)] += 1;
            }
            assert!(sizes.iter().all(|size| *size < 16), "{step}");
        }
    }

    #[test]
    fn places_with_the_same_key_are_found_last_first_and_an_index_is_built_anew() {
        let mut index = Index::default();
        assert_eq!(index.places(7).next(), None);
        for key in [7, 8, 7] {
            index.push(Some(key));
        }
        assert!(index.places(7).eq([2, 0]));
        index.rebuild([8, 7].into_iter().map(Some));
        assert!(index.places(7).eq([1]));
    }
}
