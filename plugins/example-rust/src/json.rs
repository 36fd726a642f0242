//! Just enough JSON (RFC 8259) to read a section of the configuration.

const DEPTH_MAX: usize = 32;

#[derive(Debug, PartialEq)]
pub enum Value {
    Object(Vec<(String, Value)>),
    List(Vec<Value>),
    Text(String),
    Number(f64),
    Boolean(bool),
    Null,
}

impl Value {
    /// The member of an object; none where there is no such member, or it is null.
    pub fn member(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Object(members) => {
                members.iter().find(|(key, value)| key == name && *value != Value::Null).map(|(_, value)| value)
            }
            _ => None,
        }
    }
}

/// Nothing when it is not one whole JSON value.
pub fn parse(bytes: &[u8]) -> Option<Value> {
    let mut reader = Reader { rest: std::str::from_utf8(bytes).ok()? };
    let value = reader.value(0)?;
    reader.skip_space();
    if reader.rest.is_empty() {
        Some(value)
    } else {
        None
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches(&[' ', '\t', '\n', '\r'][..]);
    }

    /// Whether `token` comes next (after spaces); it is taken then.
    fn take(&mut self, token: &str) -> bool {
        self.skip_space();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEPTH_MAX {
            return None;
        }
        if self.take("{") {
            let mut members = Vec::new();
            if self.take("}") {
                return Some(Value::Object(members));
            }
            loop {
                let name = self.text()?;
                if !self.take(":") {
                    return None;
                }
                members.push((name, self.value(depth + 1)?));
                if self.take("}") {
                    return Some(Value::Object(members));
                }
                if !self.take(",") {
                    return None;
                }
            }
        }
        if self.take("[") {
            let mut items = Vec::new();
            if self.take("]") {
                return Some(Value::List(items));
            }
            loop {
                items.push(self.value(depth + 1)?);
                if self.take("]") {
                    return Some(Value::List(items));
                }
                if !self.take(",") {
                    return None;
                }
            }
        }
        for (word, value) in [("true", Value::Boolean(true)), ("false", Value::Boolean(false)), ("null", Value::Null)] {
            if self.take(word) {
                return Some(value);
            }
        }
        if self.rest.starts_with('"') {
            return self.text().map(Value::Text);
        }
        let end = self.rest.find(|c: char| !c.is_ascii_digit() && !"+-.eE".contains(c)).unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at(end);
        self.rest = rest;
        number.parse().ok().map(Value::Number)
    }

    fn text(&mut self) -> Option<String> {
        if !self.take("\"") {
            return None;
        }
        let mut text = String::new();
        loop {
            let mut characters = self.rest.chars();
            let c = characters.next()?;
            self.rest = characters.as_str();
            match c {
                '"' => return Some(text),
                '\\' => text.push(self.escaped()?),
                c if c < ' ' => return None,
                c => text.push(c),
            }
        }
    }

    fn escaped(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let c = characters.next()?;
        self.rest = characters.as_str();
        match c {
            '"' | '\\' | '/' => Some(c),
            'b' => Some('\u{8}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'u' => {
                let high = self.hex()?;
                if !(0xD800..0xDC00).contains(&high) {
                    return char::from_u32(high); // nothing for a low half alone
                }
                self.rest = self.rest.strip_prefix("\\u")?;
                let low = self.hex()?;
                if !(0xDC00..0xE000).contains(&low) {
                    return None;
                }
                char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
            }
            _ => None,
        }
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.rest.get(..4)?;
        self.rest = &self.rest[4..];
        if digits.bytes().all(|c| c.is_ascii_hexdigit()) {
            u32::from_str_radix(digits, 16).ok()
        } else {
            None
        }
    }
}
