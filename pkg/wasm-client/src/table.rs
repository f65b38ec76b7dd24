//! Values under numbers.

/// Keeps each value under a number until it is removed. Numbers are used again.
pub struct Table<T> {
    // Boxed, so that the table stays small when it grows.
    values: Vec<Option<Box<T>>>,
    free: Vec<u32>,
}

impl<T> Table<T> {
    pub const fn new() -> Self {
        Table { values: Vec::new(), free: Vec::new() }
    }

    /// Adds a value and returns its number.
    pub fn insert(&mut self, value: T) -> u32 {
        let value = Some(Box::new(value));
        if let Some(number) = self.free.pop()
            && let Some(slot) = self.values.get_mut(number as usize)
        {
            *slot = value;
            return number;
        }
        self.values.push(value);
        self.values.len() as u32 - 1
    }

    /// Returns a value, or `None` if there is none under this number.
    pub fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        self.values.get_mut(number as usize)?.as_deref_mut()
    }

    /// Drops a value. Unknown numbers are ignored.
    pub fn remove(&mut self, number: u32) {
        if self.values.get_mut(number as usize).and_then(Option::take).is_some() {
            self.free.push(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_number_is_unknown_until_it_is_used_again() {
        let mut table = Table::new();
        assert_eq!([table.insert('a'), table.insert('b')], [0, 1]);
        table.remove(0);
        table.remove(0);
        table.remove(7);
        assert_eq!([0, 7].map(|number| table.get_mut(number).copied()), [None, None]);
        assert_eq!([table.insert('c'), table.insert('d')], [0, 2]);
        assert_eq!([0, 1, 2].map(|number| table.get_mut(number).copied()), [Some('c'), Some('b'), Some('d')]);
    }
}
